// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {DeviceTariffs} from "./DeviceTariffs.sol";
import {IDeviceSessions} from "./interfaces/IDeviceSessions.sol";
import {IPaymentDEVSEN} from "./interfaces/IPaymentDEVSEN.sol";
import {Answers} from "./libraries/Answers.sol";
import {Tariffs} from "./libraries/Tariffs.sol";

/// @title A charger's record of its sessions, and how their tokens leave the lock
/// @dev PaymentDEVSEN calls nobody, and the ledger calls back in a tx of its own only: so nothing can come in between.
abstract contract DeviceEscrow is DeviceTariffs {
    /// @inheritdoc IDeviceSessions
    uint64 public constant PHANTOM_WH = 100;
    /// @inheritdoc IDeviceSessions
    uint256 public constant SESSION_SEC = 2 days;

    mapping(bytes32 sessionId => Session) internal _sessions;
    mapping(bytes32 requestId => bytes32 sessionId) internal _askedResults;
    /// @inheritdoc IDeviceSessions
    mapping(uint16 connector => bytes32) public lastSessionAt;

    /// @inheritdoc IDeviceSessions
    function sessionOf(bytes32 sessionId) external view returns (Session memory) {
        return _sessions[sessionId];
    }

    /// @inheritdoc IDeviceSessions
    function occupantOf(uint16 connector) external view returns (address) {
        Session storage session = _sessions[lastSessionAt[connector]];
        return session.state == SessionState.Active ? session.occupant : address(0);
    }

    function _activate(bytes32 sessionId, uint40 startedAt) internal {
        Session storage session = _sessions[sessionId];
        session.state = SessionState.Active;
        session.startedAt = startedAt;
        lastSessionAt[session.connector] = sessionId;
    }

    function _keepEnd(bytes32 sessionId, Answers.Result memory result) internal {
        Session storage session = _sessions[sessionId];
        session.startedAt = result.startedAt;
        session.endedAt = result.endedAt;
        session.idleSec = result.idleSec;
        session.energyWh = result.energyWh;
        session.stop = result.stop;
        emit SessionEnded(sessionId, result);
    }

    /// @dev Pays a session by the figures it has, or sends a phantom's tokens back.
    function _settle(bytes32 sessionId) internal {
        Session memory session = _sessions[sessionId];
        if (session.energyWh < PHANTOM_WH) return _refund(sessionId, SessionState.Settled, Answers.Reason.None);
        uint256 lastedSec = Math.saturatingSub(session.endedAt, session.startedAt);
        uint256 cost = _costOf(session.tariffId, session.energyWh, lastedSec, session.idleSec);
        _close(sessionId, SessionState.Settled, Answers.Reason.None);
        IPaymentDEVSEN(payment).settle(sessionId, cost, manager);
    }

    function _refundOrExpire(bytes32 sessionId, SessionState state, Answers.Reason reason) internal {
        if (_isLocked(sessionId)) _refund(sessionId, state, reason);
        else _close(sessionId, SessionState.Expired, reason);
    }

    function _refund(bytes32 sessionId, SessionState state, Answers.Reason reason) internal {
        _close(sessionId, state, reason);
        IPaymentDEVSEN(payment).refund(sessionId);
    }

    function _close(bytes32 sessionId, SessionState state, Answers.Reason reason) internal {
        _sessions[sessionId].state = state;
        emit SessionClosed(sessionId, state, reason);
    }

    function _isLocked(bytes32 sessionId) internal view returns (bool) {
        bytes32 key = IPaymentDEVSEN(payment).keyOf(address(this), sessionId);
        return IPaymentDEVSEN(payment).sessionOf(key).status == IPaymentDEVSEN.Status.Locked;
    }

    function _costOf(
        uint256 tariffId,
        uint64 energyWh,
        uint256 lastedSec,
        uint64 idleSec
    ) internal view returns (uint256) {
        // Both are differences of 40-bit times.
        uint64 chargingSec = uint64(Math.saturatingSub(lastedSec, idleSec));
        return Tariffs.cost(_tariff(tariffId), energyWh, chargingSec, idleSec);
    }
}
