// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDeviceDEVSEN} from "../../contracts/interfaces/IDeviceDEVSEN.sol";
import {IFactoryDEVSEN} from "../../contracts/interfaces/IFactoryDEVSEN.sol";
import {MapCells} from "../../contracts/libraries/MapCells.sol";
import {Charging} from "./support/Charging.sol";
import {Vm} from "./support/Test.sol";

/// @notice Chargers by owner and by map cell, handed over, moved and retired.
contract FactoryIndexTest is Charging {
    address private _heir = account("heir");
    /// @dev What an indexer has read.
    address[] private _indexed;
    mapping(bytes32 deviceId => address) private _deviceIn;
    mapping(address device => address) private _ownerIn;
    mapping(address device => uint32) private _cellIn;
    mapping(address device => bool) private _isRetiredIn;

    function setUp() external {
        buildCharging();
        users.setUser(_heir, users.MANAGER(), 0, false);
    }

    function test_numbersChargersInTheOrderOfTheirMaking() external {
        assertEq(device.number(), 0, "first");
        assertEq(makeAt("B", 0, 0).number(), 1, "second");
    }

    function test_cutsTheMapIntoCellsOf5Km() external view {
        // Munich: row (90 + 48.1371079) / 0.045 = 3069.7, column (180 + 11.5753822) / 0.045 = 4257.2
        assertEq(factory.cellOf(481_371_079, 115_753_822), (3069 << 16) | 4257, "Munich");
        assertEq(factory.cellOf(-900_000_000, -1_800_000_000), 0, "south pole at the date line");
        assertEq(factory.cellOf(900_000_000, 1_799_999_999), (4000 << 16) | 7999, "north pole");
        assertEq(factory.cellOf(0, 1_800_000_000), factory.cellOf(0, -1_800_000_000), "the date line is one");
    }

    function test_listsChargersByOwnerAndByCell() external {
        IDeviceDEVSEN near = makeAt("B", 481_371_000, 115_753_000);
        IDeviceDEVSEN far = makeAt("C", 0, 0);
        assertEq(factory.deviceCountOf(manager), 3, "of the owner");
        address[] memory owned = factory.devicesOf(manager, 1, 9);
        assertEq(owned.length, 2, "page");
        assertEq(owned[0], address(near), "second");
        assertEq(owned[1], address(far), "third");
        uint32 cell = factory.cellOf(481_371_079, 115_753_822);
        assertEq(factory.deviceCountIn(cell), 2, "in the cell");
        address[] memory there = factory.devicesIn(cell, 0, 9);
        assertEq(there[0], address(device), "first there");
        assertEq(there[1], address(near), "second there");
    }

    function test_findsAllChargersInABoxAlsoOverTheDateLine() external {
        IDeviceDEVSEN west = makeAt("W", 0, 1_799_000_000);
        IDeviceDEVSEN east = makeAt("E", 0, -1_799_000_000);
        makeAt("far", 100_000_000, -1_799_000_000);
        address[] memory found = factory.devicesInBox(MapCells.Box(1999, 2001, 7990, 10));
        assertEq(found.length, 2, "found");
        assertTrue(found[0] == address(west) && found[1] == address(east), "both");
        assertEq(factory.devicesInBox(MapCells.Box(1999, 2001, 7990, 7999)).length, 1, "one side");
        assertEq(factory.devicesInBox(MapCells.Box(2001, 2000, 0, 0)).length, 0, "no rows");
    }

    function test_findsAvailableConnectorsInOneCall() external {
        MapCells.Box memory box = MapCells.Box(3069, 3069, 4257, 4257);
        assertEq(factory.availableInBox(box).length, 0, "nothing known");
        say(2, IDeviceDEVSEN.Status.Available);
        say(1, IDeviceDEVSEN.Status.Faulted);
        IFactoryDEVSEN.Available[] memory found = factory.availableInBox(box);
        assertEq(found.length, 1, "found");
        assertEq(found[0].device, address(device), "device");
        assertEq(found[0].connector, 2, "connector");
        assertEq(found[0].offers.maxPowerW, 150_000, "power");
        assertTrue(found[0].latitudeE7 == 481_371_079 && found[0].longitudeE7 == 115_753_822, "place");
        assertEq(found[0].observedAt, START_SEC - 60, "observedAt");

        say(1, IDeviceDEVSEN.Status.Available);
        assertEq(factory.availableInBox(box).length, 2, "both");
        active();
        assertEq(factory.availableInBox(box).length, 1, "one is charging");
    }

    function test_handsAChargerOver() external {
        IDeviceDEVSEN second = makeAt("B", 0, 0);
        vm.expectEmit(address(factory));
        emit IFactoryDEVSEN.DeviceTransferred(DEVICE_ID, manager, _heir);
        vm.expectEmit(address(device));
        emit IDeviceDEVSEN.ManagerSet(DEVICE_ID, _heir);
        vm.prank(manager);
        factory.transferDevice(address(device), _heir);
        assertEq(device.manager(), _heir, "manager");
        assertEq(factory.deviceCountOf(manager), 1, "one left");
        assertEq(factory.devicesOf(manager, 0, 9)[0], address(second), "which");
        assertEq(factory.devicesOf(_heir, 0, 9)[0], address(device), "the heir's");

        vm.prank(_heir);
        factory.transferDevice(address(device), manager);
        vm.prank(manager);
        factory.transferDevice(address(second), _heir);
        assertEq(factory.devicesOf(manager, 0, 9)[0], address(device), "and back");
    }

    function test_paysTheNewOwnerForSessionsThatAreSettledFromThenOn() external {
        bytes32 sessionId = active();
        vm.prank(manager);
        factory.transferDevice(address(device), _heir);
        passHour();
        tell(sessionId, hour());
        assertEq(payment.freeOf(address(token), _heir), 5e18, "heir");
    }

    function test_retiresAChargerForEver() external {
        MapCells.Box memory box = MapCells.Box(3069, 3069, 4257, 4257);
        IDeviceDEVSEN second = makeAt("B", 481_371_079, 115_753_822);
        bytes32 sessionId = active();
        vm.expectEmit(address(factory));
        emit IFactoryDEVSEN.DeviceRetired(DEVICE_ID);
        vm.startPrank(manager);
        factory.retireDevice(address(device));
        assertTrue(device.isRetired(), "retired");
        assertEq(factory.devicesInBox(box).length, 1, "off the map");
        assertEq(factory.devicesInBox(box)[0], address(second), "the other stays");
        assertEq(factory.deviceCountOf(manager), 2, "still the owner's");
        assertTrue(factory.isDevice(address(device)), "still a device");
        device.setLocation(0, 0);
        assertEq(factory.deviceCountIn(factory.cellOf(0, 0)), 0, "stays off the map");
        vm.expectRevert(abi.encodeWithSelector(IFactoryDEVSEN.RetiredBefore.selector, device));
        factory.retireDevice(address(device));
        vm.expectRevert(abi.encodeWithSelector(IFactoryDEVSEN.IdentityTaken.selector, "CP-1"));
        factory.createDevice(newDevice("CP-1"));
        vm.stopPrank();
        passHour();
        tell(sessionId, hour());
        assertFree(995e18, 5e18, 0);
    }

    function test_movesAChargerToAnotherCell() external {
        makeAt("B", 481_371_079, 115_753_822);
        uint32 from = factory.cellOf(481_371_079, 115_753_822);
        uint32 to = factory.cellOf(0, 0);
        vm.startPrank(manager);
        device.setLocation(481_371_080, 115_753_822);
        assertEq(factory.deviceCountIn(from), 2, "the same cell");
        vm.expectEmit(address(factory));
        emit IFactoryDEVSEN.DeviceMoved(address(device), from, to);
        device.setLocation(0, 0);
        assertEq(factory.deviceCountIn(from), 1, "left");
        assertEq(factory.devicesIn(to, 0, 1)[0], address(device), "arrived");
    }

    function test_takesOrdersFromOwnersAndDevicesOnly() external {
        vm.startPrank(_heir);
        vm.expectRevert(abi.encodeWithSelector(IFactoryDEVSEN.NotOwner.selector, device, _heir));
        factory.transferDevice(address(device), _heir);
        vm.expectRevert(abi.encodeWithSelector(IFactoryDEVSEN.NotOwner.selector, device, _heir));
        factory.retireDevice(address(device));
        vm.expectRevert(abi.encodeWithSelector(IFactoryDEVSEN.NotADevice.selector, oracle));
        factory.retireDevice(address(oracle));
        vm.expectRevert(abi.encodeWithSelector(IFactoryDEVSEN.NotADevice.selector, oracle));
        factory.transferDevice(address(oracle), _heir);
        int32[2] memory place;
        vm.expectRevert(abi.encodeWithSelector(IFactoryDEVSEN.NotADevice.selector, _heir));
        factory.moveDevice(0, place, place);
        vm.expectRevert(abi.encodeWithSelector(IFactoryDEVSEN.NotADevice.selector, _heir));
        factory.moveDevice(9, place, place);
        vm.stopPrank();
        vm.prank(manager);
        vm.expectRevert(abi.encodeWithSelector(IFactoryDEVSEN.NotAManager.selector, driver));
        factory.transferDevice(address(device), driver);
    }

    /// @dev Any row of makings, moves, handings over and retirements: the lists hold exactly what the chargers say.
    function testFuzz_listsAreWhatTheChargersSay(uint256[24] calldata acts) external {
        int32[3] memory places = play(acts);
        uint256 onMap = 0;
        uint256[2] memory owned;
        uint256 count = factory.deviceCount();
        for (uint256 i = 0; i < count; ++i) {
            IDeviceDEVSEN one = IDeviceDEVSEN(factory.devices(i, 1)[0]);
            assertEq(one.number(), i, "number");
            (int32 latitudeE7, int32 longitudeE7) = one.location();
            uint32 cell = factory.cellOf(latitudeE7, longitudeE7);
            bool isThere = has(factory.devicesIn(cell, 0, 99), address(one));
            assertTrue(isThere != one.isRetired(), "in its cell until it is retired");
            assertTrue(has(factory.devicesOf(one.manager(), 0, 99), address(one)), "its owner's");
            if (isThere) ++onMap;
            ++owned[one.manager() == manager ? 0 : 1];
        }
        assertEq(factory.deviceCountOf(manager), owned[0], "the manager's");
        assertEq(factory.deviceCountOf(_heir), owned[1], "the heir's");
        uint256 inCells = factory.deviceCountIn(factory.cellOf(481_371_079, 115_753_822));
        for (uint256 i = 0; i < 3; ++i) inCells += factory.deviceCountIn(factory.cellOf(places[i], 0));
        assertEq(inCells, onMap, "on the map once");
    }

    /// @dev An indexer that reads nothing but events knows owner, cell and end of every charger, in the lists' order.
    function testFuzz_eventsTellAllThatTheListsHold(uint256[24] calldata acts) external {
        vm.recordLogs();
        play(acts);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) index(logs[i]);

        // The first charger was registered before.
        assertEq(_indexed.length + 1, factory.deviceCount(), "how many");
        for (uint256 i = 0; i < _indexed.length; ++i) {
            IDeviceDEVSEN one = IDeviceDEVSEN(factory.devices(i + 1, 1)[0]);
            (int32 latitudeE7, int32 longitudeE7) = one.location();
            assertEq(_indexed[i], address(one), "order");
            assertEq(_ownerIn[address(one)], one.manager(), "owner");
            assertEq(_cellIn[address(one)], factory.cellOf(latitudeE7, longitudeE7), "cell");
            assertTrue(_isRetiredIn[address(one)] == one.isRetired(), "retired");
        }
    }

    /// @dev Any row of makings, moves, handings over and retirements.
    function play(uint256[24] calldata acts) private returns (int32[3] memory places) {
        address[2] memory owners = [manager, _heir];
        places = [int32(0), 450_000, 900_000_000];
        for (uint256 i = 0; i < acts.length; ++i) {
            uint256 act = acts[i];
            IDeviceDEVSEN one = IDeviceDEVSEN(factory.devices(act % factory.deviceCount(), 1)[0]);
            address owner = one.manager();
            uint256 kind = (act >> 64) % 5;
            if (kind < 2) makeAt(string(abi.encodePacked("X", bytes1(uint8(65 + i)))), places[(act >> 80) % 3], 0);
            vm.startPrank(owner);
            if (kind == 2) one.setLocation(places[(act >> 80) % 3], 0);
            if (kind == 3) factory.transferDevice(address(one), owners[(act >> 80) % 2]);
            if (kind == 4 && !one.isRetired()) factory.retireDevice(address(one));
            vm.stopPrank();
        }
    }

    /// @dev Takes one event in, as an indexer does.
    function index(Vm.Log memory log) private {
        bytes32 kind = log.topics[0];
        if (kind == IFactoryDEVSEN.DeviceCreated.selector) {
            address made = addressIn(log.topics[2]);
            _indexed.push(made);
            _deviceIn[log.topics[1]] = made;
            _ownerIn[made] = addressIn(log.topics[3]);
        } else if (kind == IDeviceDEVSEN.LocationSet.selector) {
            (int32 latitudeE7, int32 longitudeE7) = abi.decode(log.data, (int32, int32));
            _cellIn[log.emitter] = factory.cellOf(latitudeE7, longitudeE7);
        } else if (kind == IFactoryDEVSEN.DeviceTransferred.selector) {
            _ownerIn[_deviceIn[log.topics[1]]] = addressIn(log.topics[3]);
        } else if (kind == IFactoryDEVSEN.DeviceRetired.selector) {
            _isRetiredIn[_deviceIn[log.topics[1]]] = true;
        }
    }

    function addressIn(bytes32 topic) private pure returns (address) {
        return address(uint160(uint256(topic)));
    }

    function makeAt(string memory identity, int32 latitudeE7, int32 longitudeE7) private returns (IDeviceDEVSEN) {
        IDeviceDEVSEN.NewDevice memory made = newDevice(identity);
        (made.latitudeE7, made.longitudeE7) = (latitudeE7, longitudeE7);
        vm.prank(manager);
        return IDeviceDEVSEN(factory.createDevice(made));
    }

    function say(uint16 connector, IDeviceDEVSEN.Status status) private {
        vm.prank(asker);
        bytes32 requestId = device.requestStatus(connector);
        agree(requestId, abi.encode(status, uint8(0), uint64(START_SEC - 60), true));
    }

    function has(address[] memory list, address entry) private pure returns (bool) {
        for (uint256 i = 0; i < list.length; ++i) if (list[i] == entry) return true;
        return false;
    }
}
