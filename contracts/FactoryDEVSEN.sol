// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {IDeviceDEVSEN} from "./interfaces/IDeviceDEVSEN.sol";
import {IFactoryDEVSEN} from "./interfaces/IFactoryDEVSEN.sol";
import {IUserDEVSEN} from "./interfaces/IUserDEVSEN.sol";
import {Identity} from "./libraries/Identity.sol";
import {Page} from "./libraries/Page.sol";

/// @title The register of chargers
/// @dev A device is a minimal clone with its id as immutable argument, made by CREATE2 with the id as salt: its address
/// follows from the id, so nothing needs to be stored to find a device or to know one.
contract FactoryDEVSEN is IFactoryDEVSEN {
    /// @dev Bytes of a clone's code: 45 of the proxy, 32 of the id.
    uint256 private constant CLONE_BYTES = 45 + 32;

    /// @inheritdoc IFactoryDEVSEN
    address public immutable users;
    /// @inheritdoc IFactoryDEVSEN
    address public immutable implementation;

    uint256 private immutable _manager;
    address[] private _devices;

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
    function deviceCount() external view returns (uint256) {
        return _devices.length;
    }

    /// @inheritdoc IFactoryDEVSEN
    function devices(uint256 offset, uint256 limit) external view returns (address[] memory page) {
        (uint256 from, uint256 to) = Page.bounds(_devices.length, offset, limit);
        page = new address[](to - from);
        for (uint256 i = from; i < to; ++i) {
            page[i - from] = _devices[i];
        }
    }

    /// @inheritdoc IFactoryDEVSEN
    function isDevice(address account) external view returns (bool) {
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
        _devices.push(device);
        emit DeviceCreated(deviceId, device, msg.sender, device_.identity);
        IDeviceDEVSEN(device).initialize(msg.sender, device_);
    }

    function _predict(bytes32 deviceId) private view returns (address) {
        return Clones.predictDeterministicAddressWithImmutableArgs(implementation, abi.encode(deviceId), deviceId);
    }

    function _checkManager() private view {
        if (!IUserDEVSEN(users).hasRole(msg.sender, _manager)) revert NotAManager(msg.sender);
    }
}
