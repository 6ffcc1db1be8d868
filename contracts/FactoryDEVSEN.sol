// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {DeviceIndex} from "./DeviceIndex.sol";
import {IDeviceDEVSEN} from "./interfaces/IDeviceDEVSEN.sol";
import {IFactoryDEVSEN} from "./interfaces/IFactoryDEVSEN.sol";
import {IUserDEVSEN} from "./interfaces/IUserDEVSEN.sol";

import {Identity} from "./libraries/Identity.sol";
import {MapCells} from "./libraries/MapCells.sol";

/// @title The register of chargers
/// @dev A device is a minimal clone with its id as immutable argument, made by CREATE2 with the id as salt: its address
/// follows from the id, so nothing needs to be stored to find a device or to know one.
contract FactoryDEVSEN is DeviceIndex {
    /// @dev Bytes of a clone's code: 45 of the proxy, 32 of the id.
    uint256 private constant CLONE_BYTES = 45 + 32;

    /// @inheritdoc IFactoryDEVSEN
    address public immutable users;
    /// @inheritdoc IFactoryDEVSEN
    address public immutable implementation;

    uint256 private immutable _manager;

    /// @param users_ UserDEVSEN.
    /// @param implementation_ A DeviceDEVSEN.
    constructor(address users_, address implementation_) {
        if (users_ == address(0) || implementation_ == address(0)) revert ZeroAddress();
        users = users_;
        implementation = implementation_;
        _manager = IUserDEVSEN(users_).MANAGER();
    }

    /// @inheritdoc IFactoryDEVSEN
    function createDevice(IDeviceDEVSEN.NewDevice calldata device_) external returns (address device) {
        _checkManager();
        return _create(device_);
    }

    /// @inheritdoc IFactoryDEVSEN
    function createDevices(IDeviceDEVSEN.NewDevice[] calldata devices_) external returns (address[] memory created) {
        _checkManager();
        created = new address[](devices_.length);
        for (uint256 i = 0; i < devices_.length; ++i) {
            created[i] = _create(devices_[i]);
        }
    }

    /// @inheritdoc IFactoryDEVSEN
    function transferDevice(address device, address to) external {
        IDeviceDEVSEN charger = _checkOwn(device);
        if (!IUserDEVSEN(users).hasRole(to, _manager)) revert NotAManager(to);
        uint24 number = charger.number();
        _takeFrom(msg.sender, number);
        _giveTo(to, number);
        emit DeviceTransferred(charger.deviceId(), msg.sender, to);
        charger.setManager(to);
    }

    /// @inheritdoc IFactoryDEVSEN
    function retireDevice(address device) external {
        IDeviceDEVSEN charger = _checkOwn(device);
        uint24 number = charger.number();
        if (!_isOnMap(number)) revert RetiredBefore(device);
        (int32 latitudeE7, int32 longitudeE7) = charger.location();
        _takeOut(MapCells.cellOf(latitudeE7, longitudeE7), number);
        emit DeviceRetired(charger.deviceId());
        charger.retire();
    }

    /// @inheritdoc IFactoryDEVSEN
    function moveDevice(uint24 number, int32[2] calldata from, int32[2] calldata to) external {
        if (_deviceAt(number) != msg.sender) revert NotADevice(msg.sender);
        (uint32 fromCell, uint32 toCell) = (MapCells.cellOf(from[0], from[1]), MapCells.cellOf(to[0], to[1]));
        if (fromCell == toCell || !_isOnMap(number)) return;
        _takeOut(fromCell, number);
        _putInto(toCell, number);
        emit DeviceMoved(msg.sender, fromCell, toCell);
    }

    /// @inheritdoc IFactoryDEVSEN
    function availableInBox(MapCells.Box calldata box) external view returns (Available[] memory found) {
        address[] memory chargers = devicesInBox(box);
        uint256 count = 0;
        for (uint256 i = 0; i < chargers.length; ++i) {
            count += _available(IDeviceDEVSEN(chargers[i]), new Available[](0), 0);
        }
        found = new Available[](count);
        count = 0;
        for (uint256 i = 0; i < chargers.length; ++i) {
            count += _available(IDeviceDEVSEN(chargers[i]), found, count);
        }
    }

    /// @inheritdoc IFactoryDEVSEN
    function isDevice(address account) public view returns (bool) {
        if (account.code.length != CLONE_BYTES) return false;
        return _predict(bytes32(Clones.fetchCloneArgs(account))) == account;
    }

    /// @inheritdoc IFactoryDEVSEN
    function deviceIdOf(string calldata identity) external pure returns (bytes32) {
        if (!Identity.isValid(identity)) revert BadIdentity(identity);
        return keccak256(bytes(identity));
    }

    /// @inheritdoc IFactoryDEVSEN
    function deviceOf(bytes32 deviceId) public view returns (address) {
        address device = _predict(deviceId);
        return device.code.length == 0 ? address(0) : device;
    }

    function _create(IDeviceDEVSEN.NewDevice calldata device_) private returns (address device) {
        if (!Identity.isValid(device_.identity)) revert BadIdentity(device_.identity);
        bytes32 deviceId = keccak256(bytes(device_.identity));
        if (deviceOf(deviceId) != address(0)) revert IdentityTaken(device_.identity);

        device = Clones.cloneDeterministicWithImmutableArgs(implementation, abi.encode(deviceId), deviceId);
        uint24 number = _add(device);
        emit DeviceCreated(deviceId, device, msg.sender, device_.identity);
        IDeviceDEVSEN(device).initialize(msg.sender, number, device_);
        _giveTo(msg.sender, number);
        _putInto(MapCells.cellOf(device_.latitudeE7, device_.longitudeE7), number);
    }

    /// @dev Counts a charger's available connectors, and writes them into `found` from `at` on if there is room.
    function _available(
        IDeviceDEVSEN charger,
        Available[] memory found,
        uint256 at
    ) private view returns (uint256 count) {
        IDeviceDEVSEN.Connector[] memory connectors = charger.connectors();
        for (uint16 connector = 1; connector <= connectors.length; ++connector) {
            IDeviceDEVSEN.AgreedStatus memory status = charger.statusOf(connector);
            if (status.status != IDeviceDEVSEN.Status.Available || charger.occupantOf(connector) != address(0))
                continue;
            if (at + count < found.length) {
                (int32 latitudeE7, int32 longitudeE7) = charger.location();
                found[at + count] = Available(
                    address(charger),
                    connector,
                    latitudeE7,
                    longitudeE7,
                    connectors[connector - 1],
                    status.observedAt,
                    status.askedAt
                );
            }
            ++count;
        }
    }

    /// @dev Reverts: NotADevice, NotOwner.
    function _checkOwn(address device) private view returns (IDeviceDEVSEN charger) {
        if (!isDevice(device)) revert NotADevice(device);
        charger = IDeviceDEVSEN(device);
        if (charger.manager() != msg.sender) revert NotOwner(device, msg.sender);
    }

    function _predict(bytes32 deviceId) private view returns (address) {
        return Clones.predictDeterministicAddressWithImmutableArgs(implementation, abi.encode(deviceId), deviceId);
    }

    function _checkManager() private view {
        if (!IUserDEVSEN(users).hasRole(msg.sender, _manager)) revert NotAManager(msg.sender);
    }
}
