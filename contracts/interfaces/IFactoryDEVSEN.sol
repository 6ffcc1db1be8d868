// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MapCells} from "../libraries/MapCells.sol";
import {IDeviceDEVSEN} from "./IDeviceDEVSEN.sol";

/// @title The register of chargers
/// @notice Makes one `DeviceDEVSEN` for each charger, at an address that follows from the charger's identity, and lists them.
interface IFactoryDEVSEN {
    /// @notice A connector at which one can charge, as far as the oracles last agreed.
    /// @param device The charger's contract.
    /// @param connector OCPP `connectorId`.
    /// @param latitudeE7 Degrees north × 10⁷.
    /// @param longitudeE7 Degrees east × 10⁷.
    /// @param offers What it offers.
    /// @param observedAt Unix seconds at which it was last known to be available.
    /// @param askedAt Unix seconds as of which the oracles said so.
    struct Available {
        address device;
        uint16 connector;
        int32 latitudeE7;
        int32 longitudeE7;
        IDeviceDEVSEN.Connector offers;
        uint40 observedAt;
        uint40 askedAt;
    }

    /// @notice A charger was registered. Its contract says in the same tx where it stands.
    event DeviceCreated(bytes32 indexed deviceId, address indexed device, address indexed owner, string identity);

    /// @notice A charger has another owner.
    event DeviceTransferred(bytes32 indexed deviceId, address indexed from, address indexed to);
    /// @notice A charger takes no more sessions and is on the map no longer.
    event DeviceRetired(bytes32 indexed deviceId);
    /// @notice A charger stands in another cell of the map.
    event DeviceMoved(address indexed device, uint32 indexed fromCell, uint32 indexed toCell);

    /// @notice An argument must not be the zero address.
    error ZeroAddress();
    /// @notice The caller is no active manager.
    error NotAManager(address caller);
    /// @notice An OCPP identity is 1 to 48 of A-Z a-z 0-9 _ = : | @ . -
    error BadIdentity(string identity);
    /// @notice This identity is registered, and stays so for ever.
    error IdentityTaken(string identity);
    /// @notice The factory made no charger's contract at this address.
    error NotADevice(address account);
    /// @notice The caller is not this charger's manager.
    error NotOwner(address device, address caller);
    /// @notice The charger was retired before.
    error RetiredBefore(address device);

    /// @notice Registers a charger; the caller becomes its manager.
    /// @dev Reverts: NotAManager, BadIdentity, IdentityTaken, and as `IDeviceDEVSEN.initialize`.
    /// @return device The charger's contract.
    function createDevice(IDeviceDEVSEN.NewDevice calldata device_) external returns (address device);

    /// @notice Registers several chargers: all or none.
    /// @dev Reverts as `createDevice`.
    /// @return created Their contracts, in the same order.
    function createDevices(IDeviceDEVSEN.NewDevice[] calldata devices_) external returns (address[] memory created);

    /// @notice Gives a charger to another manager. Its manager only.
    /// @dev Sessions that are settled from then on pay the new one. Reverts: NotADevice, NotOwner, NotAManager (the new one).
    function transferDevice(address device, address to) external;

    /// @notice Takes a charger off the map and ends new sessions, for ever; its identity stays taken. Its manager only.
    /// @dev Reverts: NotADevice, NotOwner, RetiredBefore.
    function retireDevice(address device) external;

    /// @notice A charger's contract says that it stands elsewhere now.
    /// @dev Reverts: NotADevice.
    /// @param number Its number here.
    /// @param from Degrees north and east × 10⁷ before.
    /// @param to Degrees north and east × 10⁷ now.
    function moveDevice(uint24 number, int32[2] calldata from, int32[2] calldata to) external;

    /// @notice UserDEVSEN.
    function users() external view returns (address);

    /// @notice The code that all devices run.
    function implementation() external view returns (address);

    /// @notice How many chargers were ever registered.
    function deviceCount() external view returns (uint256);

    /// @notice A page of all chargers, in the order in which they were registered. A page beyond the end is shorter or empty.
    function devices(uint256 offset, uint256 limit) external view returns (address[] memory page);

    /// @notice How many chargers an owner has, retired ones included.
    function deviceCountOf(address owner) external view returns (uint256);

    /// @notice A page of an owner's chargers, retired ones included. The order changes when the owner gives one away.
    function devicesOf(address owner, uint256 offset, uint256 limit) external view returns (address[] memory page);

    /// @notice The cell of the map in which a place lies: its row × 2¹⁶ + its column. See `MapCells`.
    function cellOf(int32 latitudeE7, int32 longitudeE7) external pure returns (uint32);

    /// @notice How many chargers stand in a cell, without retired ones.
    function deviceCountIn(uint32 cell) external view returns (uint256);

    /// @notice A page of the chargers in a cell, without retired ones. The order changes when one leaves.
    function devicesIn(uint32 cell, uint256 offset, uint256 limit) external view returns (address[] memory page);

    /// @notice All chargers in a box of cells, without retired ones. For reading from outside: its gas grows with the box.
    function devicesInBox(MapCells.Box calldata box) external view returns (address[] memory found);

    /// @notice All connectors in a box of cells that the oracles last agreed to be Available and where no session is active.
    /// For reading from outside: its gas grows with the box.
    function availableInBox(MapCells.Box calldata box) external view returns (Available[] memory found);

    /// @notice A charger's contract; zero if there is none.
    function deviceOf(bytes32 deviceId) external view returns (address);

    /// @notice Whether this factory made the contract at `account`.
    function isDevice(address account) external view returns (bool);

    /// @notice The id a charger of this identity has or would have.
    /// @dev Reverts: BadIdentity.
    function deviceIdOf(string calldata identity) external pure returns (bytes32);
}
