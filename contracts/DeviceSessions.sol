// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DeviceAnswers} from "./DeviceAnswers.sol";
import {IDeviceSessions} from "./interfaces/IDeviceSessions.sol";
import {IOracleDEVSEN} from "./interfaces/IOracleDEVSEN.sol";
import {IPaymentDEVSEN} from "./interfaces/IPaymentDEVSEN.sol";
import {IUserDEVSEN} from "./interfaces/IUserDEVSEN.sol";
import {Answers} from "./libraries/Answers.sol";
import {Tariffs} from "./libraries/Tariffs.sol";

/// @title Sessions at a charger: how they begin, are asked about and are closed by hand
abstract contract DeviceSessions is DeviceAnswers {
    address private immutable _users;
    uint256 private immutable _occupantRole;

    constructor() {
        _users = IPaymentDEVSEN(payment).users();
        _occupantRole = IUserDEVSEN(_users).OCCUPANT();
    }

    /// @inheritdoc IDeviceSessions
    function startCharge(
        uint16 connector,
        uint96 deposit,
        uint256 tariffId,
        address linkPayer
    ) external returns (bytes32 sessionId) {
        Tariffs.Tariff memory tariff = _checkStart(connector, tariffId);
        uint64 energyLimitWh = Tariffs.energyLimitWh(tariff, deposit, _powerOf(connector));
        if (energyLimitWh < PHANTOM_WH) revert DepositTooLow(deposit, _depositFor(tariff, connector, PHANTOM_WH));
        bytes memory params = abi.encode(connector, energyLimitWh);
        sessionId = _askOracle(IOracleDEVSEN.Query.StartCharge, params, linkPayer, true);

        Session storage session = _sessions[sessionId];
        session.state = SessionState.Requested;
        session.occupant = msg.sender;
        session.connector = connector;
        session.tariffId = uint32(tariffId);
        emit SessionRequested(sessionId, msg.sender, connector, tariffId, deposit, energyLimitWh);
        uint256 deadline = block.timestamp + SESSION_SEC;
        IPaymentDEVSEN(payment).lock(sessionId, msg.sender, tariff.token, deposit, deadline);
    }

    /// @inheritdoc IDeviceSessions
    function stopCharge(bytes32 sessionId, address linkPayer) external returns (bytes32 requestId) {
        if (_sessions[sessionId].state != SessionState.Active) _revertState(sessionId);
        if (!_isParty(sessionId)) revert NotOfSession(sessionId, msg.sender);
        return _askResult(IOracleDEVSEN.Query.StopCharge, sessionId, linkPayer);
    }

    /// @inheritdoc IDeviceSessions
    function requestSessionResult(bytes32 sessionId, address linkPayer) external returns (bytes32 requestId) {
        return _askResult(IOracleDEVSEN.Query.SessionResult, sessionId, linkPayer);
    }

    /// @inheritdoc IDeviceSessions
    function settleSession(bytes32 sessionId) external {
        if (_sessions[sessionId].state != SessionState.Ended) _revertState(sessionId);
        _settle(sessionId);
    }

    /// @inheritdoc IDeviceSessions
    function acceptSuspect(bytes32 sessionId) external {
        Session storage session = _sessions[sessionId];
        if (session.state != SessionState.Suspect) _revertState(sessionId);
        if (msg.sender != session.occupant) revert NotOfSession(sessionId, msg.sender);
        _settle(sessionId);
    }

    /// @inheritdoc IDeviceSessions
    function waiveSession(bytes32 sessionId) external onlyManager {
        _checkLocked(sessionId);
        _refund(sessionId, SessionState.Rejected, Answers.Reason.None);
    }

    /// @inheritdoc IDeviceSessions
    function expireSession(bytes32 sessionId) external {
        _checkLocked(sessionId);
        if (_isLocked(sessionId)) IPaymentDEVSEN(payment).expire(address(this), sessionId);
        _close(sessionId, SessionState.Expired, Answers.Reason.None);
    }

    /// @inheritdoc IDeviceSessions
    function depositFor(uint16 connector, uint64 energyWh) external view returns (uint256) {
        _checkConnector(connector);
        uint256 tariffId = _tariffIdAt(block.timestamp);
        if (tariffId == 0) revert NoTariff();
        return _depositFor(_tariff(tariffId), connector, energyWh);
    }

    function _askResult(
        IOracleDEVSEN.Query query,
        bytes32 sessionId,
        address linkPayer
    ) private returns (bytes32 requestId) {
        requestId = _askOracle(query, abi.encode(sessionId), linkPayer, _isParty(sessionId));
        _askedResults[requestId] = sessionId;
        emit ResultRequested(requestId, sessionId, query == IOracleDEVSEN.Query.StopCharge);
    }

    /// @param isParty Whether the caller may ask at the manager's cost, as far as the manager allowed this device.
    function _askOracle(
        IOracleDEVSEN.Query query,
        bytes memory params,
        address linkPayer,
        bool isParty
    ) private returns (bytes32 requestId) {
        IOracleDEVSEN ledger = IOracleDEVSEN(oracle);
        if (linkPayer != msg.sender) {
            // What the manager allowed the factory is for its own questions and not for those of others.
            bool isAllowed =
                linkPayer == manager &&
                    isParty &&
                    ledger.allowanceJuels(linkPayer, address(this)) >= ledger.quoteJuels(query);
            if (!isAllowed) revert NotPayer(linkPayer);
        }
        return ledger.request(query, deviceId(), params, linkPayer);
    }

    function _checkStart(uint16 connector, uint256 tariffId) private view returns (Tariffs.Tariff memory) {
        if (isRetired) revert DeviceRetired();
        if (!IUserDEVSEN(_users).hasRole(msg.sender, _occupantRole)) revert NotAnOccupant(msg.sender);
        if (connector == 0) revert NoSuchConnector(connector);
        _checkConnector(connector);
        bytes32 last = lastSessionAt[connector];
        if (_sessions[last].state == SessionState.Active) revert ConnectorBusy(connector, last);
        uint256 current = _tariffIdAt(block.timestamp);
        if (current == 0) revert NoTariff();
        if (current != tariffId) revert TariffChanged(current);
        return _tariff(tariffId);
    }

    /// @dev Reverts: WrongState, if the session holds no tokens.
    function _checkLocked(bytes32 sessionId) private view {
        SessionState state = _sessions[sessionId].state;
        bool isOpen = state == SessionState.Requested || state == SessionState.Active || state == SessionState.Ended;
        if (!isOpen && state != SessionState.Suspect) revert WrongState(sessionId, state);
    }

    function _isParty(bytes32 sessionId) private view returns (bool) {
        return msg.sender == manager || msg.sender == _sessions[sessionId].occupant;
    }

    function _depositFor(
        Tariffs.Tariff memory tariff,
        uint16 connector,
        uint64 energyWh
    ) private view returns (uint256) {
        return Tariffs.depositFor(tariff, energyWh, _powerOf(connector));
    }

    function _revertState(bytes32 sessionId) private view {
        revert WrongState(sessionId, _sessions[sessionId].state);
    }
}
