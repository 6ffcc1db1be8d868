// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {IDeviceDEVSEN} from "./interfaces/IDeviceDEVSEN.sol";
import {IFactoryDEVSEN} from "./interfaces/IFactoryDEVSEN.sol";
import {IPaymentDEVSEN} from "./interfaces/IPaymentDEVSEN.sol";

/// @title Whose a charger is, where it stands, what it offers and how it is recognised
abstract contract DeviceInfo is IDeviceDEVSEN {
    int32 private constant MAX_LATITUDE_E7 = 90e7;
    int32 private constant MAX_LONGITUDE_E7 = 180e7;
    uint256 private constant MAX_CONNECTORS = 64;
    uint256 private constant CONNECTOR_BYTES = 8;
    uint256 private constant MAX_METER_KEY_BYTES = 256;
    /// @dev Whoever holds the implementation itself: nobody.
    address private constant NOBODY = address(0xdead);

    /// @inheritdoc IDeviceDEVSEN
    address public immutable oracle;
    /// @inheritdoc IDeviceDEVSEN
    address public immutable payment;

    /// @inheritdoc IDeviceDEVSEN
    address public manager;
    int32 private _latitudeE7;
    int32 private _longitudeE7;
    /// @inheritdoc IDeviceDEVSEN
    bool public isRetired;
    /// @inheritdoc IDeviceDEVSEN
    uint24 public number;
    bytes32 private _authorizationKeyHash;
    bytes32 private _certificateFingerprint;
    /// @dev CONNECTOR_BYTES for each, packed: up to three of them fit into one slot.
    bytes private _connectors;
    /// @inheritdoc IDeviceDEVSEN
    bytes public meterKey;

    modifier onlyManager() {
        if (msg.sender != manager) revert NotManager(msg.sender);
        _;
    }

    modifier onlyFactory() {
        if (msg.sender != IPaymentDEVSEN(payment).factory()) revert NotFactory(msg.sender);
        _;
    }

    constructor(address oracle_, address payment_) {
        oracle = oracle_;
        payment = payment_;
        manager = NOBODY;
    }

    /// @inheritdoc IDeviceDEVSEN
    function initialize(address manager_, uint24 number_, NewDevice calldata device) external {
        if (manager != address(0)) revert AlreadyInitialized();
        manager = manager_;
        number = number_;
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
        int32[2] memory from = [_latitudeE7, _longitudeE7];
        _setLocation(latitudeE7, longitudeE7);
        IFactoryDEVSEN(IPaymentDEVSEN(payment).factory()).moveDevice(number, from, [latitudeE7, longitudeE7]);
    }

    /// @inheritdoc IDeviceDEVSEN
    function setConnectors(Connector[] calldata connectors_) external onlyManager {
        _setConnectors(connectors_);
    }

    /// @inheritdoc IDeviceDEVSEN
    function setMeterKey(bytes calldata meterKey_) external onlyManager {
        if (meterKey_.length > MAX_METER_KEY_BYTES) revert MeterKeyTooLong(meterKey_.length);
        meterKey = meterKey_;
        emit MeterKeySet(deviceId(), meterKey_);
    }

    /// @inheritdoc IDeviceDEVSEN
    function setManager(address manager_) external onlyFactory {
        manager = manager_;
        emit ManagerSet(deviceId(), manager_);
    }

    /// @inheritdoc IDeviceDEVSEN
    function retire() external onlyFactory {
        isRetired = true;
        emit Retired(deviceId());
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
    function connectors() external view returns (Connector[] memory all) {
        bytes memory packed = _connectors;
        all = new Connector[](packed.length / CONNECTOR_BYTES);
        for (uint256 i = 0; i < all.length; ++i) {
            bytes8 one;
            assembly ("memory-safe") {
                one := mload(add(add(packed, 0x20), mul(i, CONNECTOR_BYTES)))
            }
            uint32 maxPowerW = uint32(uint64(one));
            all[i] = Connector(uint8(one[0]), uint8(one[1]), uint8(one[2]), uint8(one[3]), maxPowerW);
        }
    }

    /// @inheritdoc IDeviceDEVSEN
    function deviceId() public view returns (bytes32) {
        return bytes32(Clones.fetchCloneArgs(address(this)));
    }

    /// @dev Reverts: NoSuchConnector. Connector 0, the charger as a whole, passes.
    function _checkConnector(uint16 connector) internal view {
        if (uint256(connector) * CONNECTOR_BYTES > _connectors.length) revert NoSuchConnector(connector);
    }

    /// @dev Most power of a connector, W; 0 if unsaid or if there is no such connector.
    function _powerOf(uint16 connector) internal view returns (uint32 maxPowerW) {
        uint256 end = uint256(connector) * CONNECTOR_BYTES;
        if (connector == 0 || end > _connectors.length) return 0;
        // The last four bytes of its eight.
        for (uint256 i = end - 4; i < end; ++i) {
            maxPowerW = (maxPowerW << 8) | uint8(_connectors[i]);
        }
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
        bytes memory packed;
        for (uint256 i = 0; i < connectors_.length; ++i) {
            Connector calldata one = connectors_[i];
            packed = abi.encodePacked(packed, one.evse, one.standard, one.format, one.powerType, one.maxPowerW);
        }
        _connectors = packed;
        emit ConnectorsSet(deviceId(), connectors_);
    }
}
