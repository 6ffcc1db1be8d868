// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {IDeviceDEVSEN} from "./interfaces/IDeviceDEVSEN.sol";
import {IOracleConsumer} from "./interfaces/IOracleConsumer.sol";
import {IOracleDEVSEN} from "./interfaces/IOracleDEVSEN.sol";

/// @title One charger
/// @dev The factory's clones run this code; each has its id behind the clone's own code.
contract DeviceDEVSEN is IDeviceDEVSEN {
    struct StatusRequest {
        bool isOpen;
        uint16 connector;
        uint40 askedAt;
    }

    int32 private constant MAX_LATITUDE_E7 = 90e7;
    int32 private constant MAX_LONGITUDE_E7 = 180e7;
    uint256 private constant MAX_CONNECTORS = 64;
    /// @dev Whoever holds the implementation itself: nobody.
    address private constant NOBODY = address(0xdead);

    /// @inheritdoc IDeviceDEVSEN
    address public immutable oracle;

    /// @inheritdoc IDeviceDEVSEN
    address public manager;
    int32 private _latitudeE7;
    int32 private _longitudeE7;
    bytes32 private _authorizationKeyHash;
    bytes32 private _certificateFingerprint;
    Connector[] private _connectors;
    mapping(uint16 connector => AgreedStatus) private _statuses;
    mapping(bytes32 requestId => StatusRequest) private _statusRequests;

    modifier onlyManager() {
        if (msg.sender != manager) revert NotManager(msg.sender);
        _;
    }

    /// @param oracle_ OracleDEVSEN.
    constructor(address oracle_) {
        oracle = oracle_;
        manager = NOBODY;
    }

    /// @inheritdoc IDeviceDEVSEN
    function initialize(address manager_, NewDevice calldata device) external {
        if (manager != address(0)) revert AlreadyInitialized();
        manager = manager_;
        _setLocation(device.latitudeE7, device.longitudeE7);
        _setConnectors(device.connectors);
        _setCredentials(device.authorizationKeyHash, device.certificateFingerprint);
    }

    /// @inheritdoc IDeviceDEVSEN
    function setCredentials(bytes32 authorizationKeyHash, bytes32 certificateFingerprint) external onlyManager {
        _setCredentials(authorizationKeyHash, certificateFingerprint);
    }

    /// @inheritdoc IDeviceDEVSEN
    function setLocation(int32 latitudeE7, int32 longitudeE7) external onlyManager {
        _setLocation(latitudeE7, longitudeE7);
    }

    /// @inheritdoc IDeviceDEVSEN
    function setConnectors(Connector[] calldata connectors_) external onlyManager {
        _setConnectors(connectors_);
    }

    /// @inheritdoc IDeviceDEVSEN
    function requestStatus(uint16 connector) external returns (bytes32 requestId) {
        if (connector > _connectors.length) revert NoSuchConnector(connector);
        requestId = IOracleDEVSEN(oracle).request(
            IOracleDEVSEN.Query.ChargerStatus,
            deviceId(),
            abi.encode(connector),
            msg.sender
        );
        _statusRequests[requestId] = StatusRequest(true, connector, uint40(block.timestamp));
        emit StatusRequested(requestId, connector);
    }

    /// @inheritdoc IOracleConsumer
    function onOracleAnswer(bytes32 requestId, Outcome outcome, bytes calldata answer) external {
        if (msg.sender != oracle) revert NotOracle(msg.sender);
        StatusRequest memory asked = _statusRequests[requestId];
        if (!asked.isOpen) revert UnknownRequest(requestId);
        delete _statusRequests[requestId];
        if (outcome != Outcome.Agreed) {
            emit StatusNotAgreed(requestId, asked.connector, outcome);
            return;
        }

        (Status status, uint8 errorClass, uint64 observedAt, bool online) = abi.decode(
            answer,
            (Status, uint8, uint64, bool)
        );
        AgreedStatus memory agreed = AgreedStatus(status, errorClass, online, uint40(observedAt), asked.askedAt);
        // Answers may come in another order than questions: an older one never covers a newer.
        if (asked.askedAt >= _statuses[asked.connector].askedAt) _statuses[asked.connector] = agreed;
        emit StatusAgreed(requestId, asked.connector, agreed);
    }

    /// @inheritdoc IDeviceDEVSEN
    function credentials() external view returns (bytes32 authorizationKeyHash, bytes32 certificateFingerprint) {
        return (_authorizationKeyHash, _certificateFingerprint);
    }

    /// @inheritdoc IDeviceDEVSEN
    function location() external view returns (int32 latitudeE7, int32 longitudeE7) {
        return (_latitudeE7, _longitudeE7);
    }

    /// @inheritdoc IDeviceDEVSEN
    function connectors() external view returns (Connector[] memory) {
        return _connectors;
    }

    /// @inheritdoc IDeviceDEVSEN
    function statusOf(uint16 connector) external view returns (AgreedStatus memory) {
        return _statuses[connector];
    }

    /// @inheritdoc IDeviceDEVSEN
    function deviceId() public view returns (bytes32) {
        return bytes32(Clones.fetchCloneArgs(address(this)));
    }

    function _setCredentials(bytes32 authorizationKeyHash, bytes32 certificateFingerprint) private {
        _authorizationKeyHash = authorizationKeyHash;
        _certificateFingerprint = certificateFingerprint;
        emit CredentialsSet(deviceId(), authorizationKeyHash, certificateFingerprint);
    }

    function _setLocation(int32 latitudeE7, int32 longitudeE7) private {
        bool isNorthOk = latitudeE7 >= -MAX_LATITUDE_E7 && latitudeE7 <= MAX_LATITUDE_E7;
        bool isEastOk = longitudeE7 >= -MAX_LONGITUDE_E7 && longitudeE7 <= MAX_LONGITUDE_E7;
        if (!isNorthOk || !isEastOk) revert BadLocation(latitudeE7, longitudeE7);
        _latitudeE7 = latitudeE7;
        _longitudeE7 = longitudeE7;
        emit LocationSet(deviceId(), latitudeE7, longitudeE7);
    }

    function _setConnectors(Connector[] calldata connectors_) private {
        if (connectors_.length == 0 || connectors_.length > MAX_CONNECTORS) revert BadConnectors(connectors_.length);
        delete _connectors;
        for (uint256 i = 0; i < connectors_.length; ++i) {
            _connectors.push(connectors_[i]);
        }
        emit ConnectorsSet(deviceId(), connectors_);
    }
}
