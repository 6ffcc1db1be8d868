// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FactoryDEVSEN} from "../../contracts/FactoryDEVSEN.sol";
import {IDeviceDEVSEN} from "../../contracts/interfaces/IDeviceDEVSEN.sol";
import {IFactoryDEVSEN} from "../../contracts/interfaces/IFactoryDEVSEN.sol";
import {Vm} from "./support/Test.sol";
import {World} from "./support/World.sol";

contract FactoryDEVSENTest is World {
    function setUp() external {
        build(4, 1);
    }

    function test_isMadeOverUsersAndADeviceOnly() external {
        vm.expectRevert(IFactoryDEVSEN.ZeroAddress.selector);
        new FactoryDEVSEN(address(0), address(device));
        vm.expectRevert(IFactoryDEVSEN.ZeroAddress.selector);
        new FactoryDEVSEN(address(users), address(0));
    }

    function test_makesAChargerThatKnowsItselfAndItsManager() external {
        bytes32 deviceId = keccak256("CP-2");
        vm.prank(manager);
        IDeviceDEVSEN made = IDeviceDEVSEN(factory.createDevice(newDevice("CP-2")));

        assertEq(made.deviceId(), deviceId, "id");
        assertEq(made.manager(), manager, "manager");
        assertEq(made.oracle(), address(oracle), "oracle");
        assertEq(factory.deviceOf(deviceId), address(made), "found by id");
        assertTrue(factory.isDevice(address(made)), "known as a device");
        assertEq(factory.deviceIdOf("CP-2"), deviceId, "id of the identity");
    }

    function test_saysSo() external {
        vm.recordLogs();
        vm.prank(manager);
        address made = factory.createDevice(newDevice("CP-2"));
        bytes32 created = keccak256("DeviceCreated(bytes32,address,address,string)");
        bool found = false;
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != created) continue;
            found = true;
            assertEq(logs[i].topics[1], keccak256("CP-2"), "id");
            assertEq(address(uint160(uint256(logs[i].topics[2]))), made, "device");
            assertEq(address(uint160(uint256(logs[i].topics[3]))), manager, "owner");
            assertEq(logs[i].data, abi.encode("CP-2"), "identity");
        }
        assertTrue(found, "logged");
    }

    function test_makesManyChargersOrNone() external {
        IDeviceDEVSEN.NewDevice[] memory three = new IDeviceDEVSEN.NewDevice[](3);
        (three[0], three[1], three[2]) = (newDevice("A"), newDevice("B"), newDevice("CP-1"));
        vm.startPrank(manager);
        vm.expectRevert(abi.encodeWithSelector(IFactoryDEVSEN.IdentityTaken.selector, "CP-1"));
        factory.createDevices(three);
        assertEq(factory.deviceCount(), 1, "none made");

        three[2] = newDevice("C");
        address[] memory made = factory.createDevices(three);
        assertEq(made.length, 3, "made");
        assertEq(factory.deviceOf(keccak256("B")), made[1], "in order");
    }

    function test_listsChargersInPages() external {
        vm.startPrank(manager);
        address second = factory.createDevice(newDevice("B"));
        address third = factory.createDevice(newDevice("C"));
        assertEq(factory.deviceCount(), 3, "count");
        address[] memory page = factory.devices(1, 9);
        assertEq(page.length, 2, "page");
        assertEq(page[0], second, "second");
        assertEq(page[1], third, "third");
        assertEq(factory.devices(0, 1)[0], address(device), "first");
        assertEq(factory.devices(3, 1).length, 0, "beyond the end");
    }

    function test_registersAnIdentityOnceForEver() external {
        vm.prank(manager);
        vm.expectRevert(abi.encodeWithSelector(IFactoryDEVSEN.IdentityTaken.selector, "CP-1"));
        factory.createDevice(newDevice("CP-1"));
    }

    function test_refusesAnIdentityThatOcppDoesNotHave() external {
        vm.startPrank(manager);
        vm.expectRevert(abi.encodeWithSelector(IFactoryDEVSEN.BadIdentity.selector, "CP 1"));
        factory.createDevice(newDevice("CP 1"));
        vm.expectRevert(abi.encodeWithSelector(IFactoryDEVSEN.BadIdentity.selector, ""));
        factory.deviceIdOf("");
    }

    function test_letsActiveManagersOnlyRegister() external {
        bytes memory refused = abi.encodeWithSelector(IFactoryDEVSEN.NotAManager.selector, asker);
        vm.startPrank(asker);
        vm.expectRevert(refused);
        factory.createDevice(newDevice("CP-2"));
        vm.expectRevert(refused);
        factory.createDevices(new IDeviceDEVSEN.NewDevice[](0));
        vm.stopPrank();

        users.setUser(manager, users.MANAGER(), 0, true);
        vm.prank(manager);
        vm.expectRevert(abi.encodeWithSelector(IFactoryDEVSEN.NotAManager.selector, manager));
        factory.createDevice(newDevice("CP-2"));
    }

    function test_knowsNoDeviceButItsOwn() external {
        assertEq(factory.deviceOf(keccak256("CP-2")), address(0), "not made");
        assertTrue(!factory.isDevice(asker), "no code");
        assertTrue(!factory.isDevice(address(oracle)), "another contract");
        FactoryDEVSEN other = new FactoryDEVSEN(address(users), factory.implementation());
        vm.prank(manager);
        address foreign = other.createDevice(newDevice("CP-2"));
        assertTrue(other.isDevice(foreign) && !factory.isDevice(foreign), "another factory's");
        // The very code of a device, at an address that the factory did not give it.
        vm.etch(account("copy"), address(device).code);
        assertTrue(!factory.isDevice(account("copy")), "a copy");
    }

    function testFuzz_twoIdentitiesNeverShareADevice(uint64 one, uint64 other) external {
        vm.assume(one != other);
        vm.startPrank(manager);
        address first = factory.createDevice(newDevice(string(abi.encodePacked("A", hexOf(one)))));
        address second = factory.createDevice(newDevice(string(abi.encodePacked("A", hexOf(other)))));
        assertTrue(first != second, "apart");
        assertTrue(factory.isDevice(first) && factory.isDevice(second), "both known");
    }

    function hexOf(uint64 value) private pure returns (string memory) {
        bytes memory digits = new bytes(16);
        for (uint256 i = 0; i < 16; ++i) digits[i] = bytes("0123456789abcdef")[(value >> (4 * i)) & 15];
        return string(digits);
    }
}
