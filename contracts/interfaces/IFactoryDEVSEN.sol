// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDeviceDEVSEN} from "./IDeviceDEVSEN.sol";

/// @title The register of chargers
/// @notice Makes one `DeviceDEVSEN` for each charger, at an address that follows from the charger's identity, and lists them.
interface IFactoryDEVSEN {
    /// @notice A charger was registered.
    event DeviceCreated(bytes32 indexed deviceId, address indexed device, address indexed owner, string identity);

    /// @notice An argument must not be the zero address.
    error ZeroAddress();
    /// @notice The caller is no active manager.
    error NotAManager(address caller);
    /// @notice An OCPP identity is 1 to 48 of A-Z a-z 0-9 _ = : | @ . -
    error BadIdentity(string identity);
    /// @notice This identity is registered, and stays so for ever.
    error IdentityTaken(string identity);
    /// @notice The factory made no such charger.
    error UnknownDevice(bytes32 deviceId);

    /// @notice Registers a charger; the caller becomes its manager.
    /// @dev Reverts: NotAManager, BadIdentity, IdentityTaken, and as `IDeviceDEVSEN.initialize`.
    /// @return device The charger's contract.
    function createDevice(IDeviceDEVSEN.NewDevice calldata device_) external returns (address device);

    /// @notice Registers several chargers: all or none.
    /// @dev Reverts as `createDevice`.
    /// @return created Their contracts, in the same order.
    function createDevices(IDeviceDEVSEN.NewDevice[] calldata devices_) external returns (address[] memory created);

    /// @notice UserDEVSEN.
    function users() external view returns (address);

    /// @notice The code that all devices run.
    function implementation() external view returns (address);

    /// @notice How many chargers were ever registered.
    function deviceCount() external view returns (uint256);

    /// @notice A page of all chargers, in the order in which they were registered. A page beyond the end is shorter or empty.
    function devices(uint256 offset, uint256 limit) external view returns (address[] memory page);

    /// @notice A charger's contract; zero if there is none.
    function deviceOf(bytes32 deviceId) external view returns (address);

    /// @notice Whether this factory made the contract at `account`.
    function isDevice(address account) external view returns (bool);

    /// @notice The id a charger of this identity has or would have.
    /// @dev Reverts: BadIdentity.
    function deviceIdOf(string calldata identity) external pure returns (bytes32);
}
