// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DeviceEscrow} from "./DeviceEscrow.sol";
import {IPaymentDEVSEN} from "./interfaces/IPaymentDEVSEN.sol";
import {Answers} from "./libraries/Answers.sol";

/// @title What the oracles' answers do to a charger's sessions
abstract contract DeviceAnswers is DeviceEscrow {
    /// @dev A meter and the charger's clock may be a little off: energy up to 5/4 of what the connector can give is believed.
    uint256 private constant POWER_MARGIN_NUMERATOR = 5;
    uint256 private constant POWER_MARGIN_DENOMINATOR = 4;
    uint256 private constant SEC_PER_HOUR = 3_600;

    /// @return isMine Whether the request asked for a start.
    function _takeStart(bytes32 requestId, Outcome outcome, bytes calldata answer) internal returns (bool isMine) {
        SessionState state = _sessions[requestId].state;
        if (state == SessionState.None) return false;
        // The session may have gone on by its result, or been waived.
        if (state != SessionState.Requested) return true;
        if (outcome != Outcome.Agreed) {
            _refundOrExpire(requestId, SessionState.Expired, Answers.Reason.None);
            return true;
        }

        Answers.Started memory started = abi.decode(answer, (Answers.Started));
        if (started.verdict == Answers.Verdict.Done) {
            _activate(requestId, started.startedAt);
            emit SessionStarted(requestId, started.transaction, started.meterStartWh, started.startedAt);
        } else if (started.verdict != Answers.Verdict.Running) {
            _refundOrExpire(requestId, SessionState.Rejected, started.reason);
        }
        return true;
    }

    /// @return isMine Whether the request asked for a session's result.
    function _takeResult(bytes32 requestId, Outcome outcome, bytes calldata answer) internal returns (bool isMine) {
        bytes32 sessionId = _askedResults[requestId];
        if (sessionId == 0) return false;
        delete _askedResults[requestId];
        if (outcome != Outcome.Agreed) {
            emit ResultNotAgreed(requestId, sessionId);
            return true;
        }

        Answers.Result memory result = abi.decode(answer, (Answers.Result));
        bool isOver = result.verdict == Answers.Verdict.Done || result.verdict == Answers.Verdict.Unusable;
        if (isOver) _takeEnd(sessionId, result);
        else _takeOpen(requestId, sessionId, result);
        return true;
    }

    function _takeEnd(bytes32 sessionId, Answers.Result memory result) private {
        SessionState state = _sessions[sessionId].state;
        if (state == SessionState.None) return _takeEndByCard(sessionId, result);
        if (state != SessionState.Requested && state != SessionState.Active) return _takeSecondEnd(sessionId, result);

        _keepEnd(sessionId, result);
        bool isUsable = _isUsable(_sessions[sessionId].connector, result);
        if (!_isLocked(sessionId)) _close(sessionId, SessionState.Expired, Answers.Reason.None);
        else if (!isUsable) _close(sessionId, SessionState.Suspect, result.reason);
        else _settle(sessionId);
    }

    /// @dev The whole session of a card at once. Its lock and its settlement together would be too much for one callback.
    function _takeEndByCard(bytes32 sessionId, Answers.Result memory result) private {
        bool isUsable = _isUsable(result.connector, result);
        if (!isUsable || result.energyWh < PHANTOM_WH) {
            // Nothing was locked, and nothing will be.
            _keepEnd(sessionId, result);
            return _close(sessionId, isUsable ? SessionState.Settled : SessionState.Rejected, result.reason);
        }
        uint256 tariffId = _tariffIdAt(result.startedAt);
        if (tariffId == 0) {
            emit CardRefused(sessionId, result.idTag, abi.encodeWithSelector(NoTariff.selector));
            return;
        }
        uint256 cost = _costOf(tariffId, result.energyWh, result.endedAt - result.startedAt, result.idleSec);
        if (!_openByCard(sessionId, result, tariffId, cost)) return;
        _keepEnd(sessionId, result);
        _sessions[sessionId].state = SessionState.Ended;
    }

    /// @dev Only says so: money moves once.
    function _takeSecondEnd(bytes32 sessionId, Answers.Result memory result) private {
        Session storage session = _sessions[sessionId];
        bool isSame =
            session.energyWh == result.energyWh &&
                session.endedAt == result.endedAt &&
                session.idleSec == result.idleSec &&
                session.stop == result.stop;
        if (isSame) return;
        if (session.conflicts != type(uint8).max) ++session.conflicts;
        emit SessionConflict(sessionId, result);
    }

    function _takeOpen(bytes32 requestId, bytes32 sessionId, Answers.Result memory result) private {
        SessionState state = _sessions[sessionId].state;
        if (result.verdict == Answers.Verdict.Running) {
            if (state == SessionState.Requested) {
                _activate(sessionId, result.startedAt);
                emit SessionStarted(sessionId, 0, 0, result.startedAt);
            } else if (state == SessionState.None && result.idTag != 0) {
                uint256 tariffId = _tariffIdAt(result.startedAt);
                bool isOpened = tariffId != 0 && _openByCard(sessionId, result, tariffId, type(uint96).max);
                if (isOpened) _activate(sessionId, result.startedAt);
            }
        } else if (result.verdict == Answers.Verdict.Refused && state == SessionState.Requested) {
            return _refundOrExpire(sessionId, SessionState.Rejected, result.reason);
        }
        emit ResultOpen(requestId, sessionId, result.verdict, result.reason);
    }

    /// @return isOpened Whether tokens of the card's occupant are locked now.
    function _openByCard(
        bytes32 sessionId,
        Answers.Result memory result,
        uint256 tariffId,
        uint256 most
    ) private returns (bool isOpened) {
        if (isRetired) {
            emit CardRefused(sessionId, result.idTag, abi.encodeWithSelector(DeviceRetired.selector));
            return false;
        }
        uint256 deadline = block.timestamp + SESSION_SEC;
        address token = _tariff(tariffId).token;
        try IPaymentDEVSEN(payment).lockByCard(sessionId, result.idTag, token, most, deadline) returns (
            address occupant,
            uint256 locked
        ) {
            Session storage session = _sessions[sessionId];
            session.occupant = occupant;
            session.connector = result.connector;
            session.tariffId = uint32(tariffId);
            emit CardSessionOpened(sessionId, occupant, result.idTag, locked);
            return true;
        } catch (bytes memory why) {
            emit CardRefused(sessionId, result.idTag, why);
            return false;
        }
    }

    /// @dev Whether a bill can rest on a result: it says so, its times are in order and the connector can give that energy.
    function _isUsable(uint16 connector, Answers.Result memory result) private view returns (bool) {
        if (result.verdict != Answers.Verdict.Done || result.startedAt == 0) return false;
        if (result.endedAt < result.startedAt || result.endedAt > block.timestamp) return false;
        uint256 lastedSec = result.endedAt - result.startedAt;
        if (result.idleSec > lastedSec) return false;
        uint256 powerW = _powerOf(connector);
        if (powerW == 0) return lastedSec != 0 || result.energyWh == 0;
        // Both times are rounded down to a second: it may have lasted up to one more.
        uint256 mostWs = powerW * (lastedSec + 1) * POWER_MARGIN_NUMERATOR;
        return uint256(result.energyWh) * SEC_PER_HOUR * POWER_MARGIN_DENOMINATOR <= mostWs;
    }
}
