// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDeviceDEVSEN} from "../../contracts/interfaces/IDeviceDEVSEN.sol";
import {IOracleConsumer} from "../../contracts/interfaces/IOracleConsumer.sol";
import {IOracleDEVSEN} from "../../contracts/interfaces/IOracleDEVSEN.sol";
import {World} from "./support/World.sol";

contract DeviceDEVSENTest is World {
    bytes private _available = abi.encode(IDeviceDEVSEN.Status.Available, uint8(0), uint64(START_SEC - 60), true);
    bytes private _faulted = abi.encode(IDeviceDEVSEN.Status.Faulted, uint8(3), uint64(START_SEC + 5), false);

    function setUp() external {
        build(4, 1);
        vm.prank(asker);
        oracle.allow(address(factory), type(uint256).max);
    }

    function test_isMadeWithWhatItsManagerSaid() external view {
        (int32 latitudeE7, int32 longitudeE7) = device.location();
        (bytes32 keyHash, bytes32 fingerprint) = device.credentials();
        IDeviceDEVSEN.Connector[] memory connectors = device.connectors();
        assertTrue(latitudeE7 == 481_371_079 && longitudeE7 == 115_753_822, "location");
        assertEq(keyHash, keccak256("key"), "key hash");
        assertEq(fingerprint, bytes32(0), "fingerprint");
        assertEq(connectors.length, 2, "connectors");
        assertEq(connectors[1].maxPowerW, 150_000, "power");
        assertEq(connectors[1].evse, 2, "evse");
    }

    function test_isInitializedOnceAndItsCodeNever() external {
        vm.expectRevert(IDeviceDEVSEN.AlreadyInitialized.selector);
        device.initialize(asker, 0, newDevice("CP-1"));
        IDeviceDEVSEN code = IDeviceDEVSEN(factory.implementation());
        vm.expectRevert(IDeviceDEVSEN.AlreadyInitialized.selector);
        code.initialize(asker, 0, newDevice("CP-1"));
    }

    function test_letsItsManagerChangeIt() external {
        IDeviceDEVSEN.Connector[] memory one = new IDeviceDEVSEN.Connector[](1);
        one[0] = IDeviceDEVSEN.Connector(1, 2, 1, 1, 3_700);
        vm.startPrank(manager);
        vm.expectEmit(address(device));
        emit IDeviceDEVSEN.CredentialsSet(DEVICE_ID, keccak256("next"), keccak256("certificate"));
        device.setCredentials(keccak256("next"), keccak256("certificate"));
        vm.expectEmit(address(device));
        emit IDeviceDEVSEN.LocationSet(DEVICE_ID, -900_000_000, 1_800_000_000);
        device.setLocation(-900_000_000, 1_800_000_000);
        vm.expectEmit(address(device));
        emit IDeviceDEVSEN.ConnectorsSet(DEVICE_ID, one);
        device.setConnectors(one);

        (bytes32 keyHash, bytes32 fingerprint) = device.credentials();
        assertEq(keyHash, keccak256("next"), "key hash");
        assertEq(fingerprint, keccak256("certificate"), "fingerprint");
        assertEq(device.connectors().length, 1, "connectors");
        assertEq(device.connectors()[0].maxPowerW, 3_700, "power");
    }

    function test_letsNobodyElseChangeIt() external {
        bytes memory refused = abi.encodeWithSelector(IDeviceDEVSEN.NotManager.selector, asker);
        vm.startPrank(asker);
        vm.expectRevert(refused);
        device.setCredentials(0, 0);
        vm.expectRevert(refused);
        device.setLocation(0, 0);
        vm.expectRevert(refused);
        device.setConnectors(new IDeviceDEVSEN.Connector[](1));
    }

    function test_refusesPlacesThatAreNotOnEarthAndChargersWithoutConnectors() external {
        int32[2][4] memory beyond = [
            [int32(900_000_001), int32(0)],
            [int32(-900_000_001), int32(0)],
            [int32(0), int32(1_800_000_001)],
            [int32(0), int32(-1_800_000_001)]
        ];
        vm.startPrank(manager);
        for (uint256 i = 0; i < 4; ++i) {
            bytes memory refused = abi.encodeWithSelector(
                IDeviceDEVSEN.BadLocation.selector,
                beyond[i][0],
                beyond[i][1]
            );
            vm.expectRevert(refused);
            device.setLocation(beyond[i][0], beyond[i][1]);
        }
        vm.expectRevert(abi.encodeWithSelector(IDeviceDEVSEN.BadConnectors.selector, 0));
        device.setConnectors(new IDeviceDEVSEN.Connector[](0));
        vm.expectRevert(abi.encodeWithSelector(IDeviceDEVSEN.BadConnectors.selector, 65));
        device.setConnectors(new IDeviceDEVSEN.Connector[](65));

        IDeviceDEVSEN.NewDevice memory nowhere = newDevice("CP-2");
        nowhere.latitudeE7 = 900_000_001;
        vm.expectRevert(abi.encodeWithSelector(IDeviceDEVSEN.BadLocation.selector, 900_000_001, 115_753_822));
        factory.createDevice(nowhere);
        IDeviceDEVSEN.NewDevice memory bare = newDevice("CP-2");
        bare.connectors = new IDeviceDEVSEN.Connector[](0);
        vm.expectRevert(abi.encodeWithSelector(IDeviceDEVSEN.BadConnectors.selector, 0));
        factory.createDevice(bare);
    }

    function test_keepsTheStatusThatTheOraclesAgreedOn() external {
        bytes32 requestId = askDevice(2);
        answer(0, requestId, _available);
        vm.expectEmit(address(device));
        emit IDeviceDEVSEN.StatusAgreed(
            requestId,
            2,
            IDeviceDEVSEN.AgreedStatus(
                IDeviceDEVSEN.Status.Available,
                0,
                true,
                uint40(START_SEC - 60),
                uint40(START_SEC)
            )
        );
        answer(1, requestId, _available);

        assertStatus(2, IDeviceDEVSEN.Status.Available, 0, true, START_SEC - 60, START_SEC);
        assertStatus(1, IDeviceDEVSEN.Status.Unknown, 0, false, 0, 0);
    }

    function test_chargesWhoAsks() external {
        askDevice(0);
        assertEq(oracle.accountJuels(asker), 100e18 - 0.4e18, "asker");
        vm.prank(account("poor"));
        vm.expectRevert(
            abi.encodeWithSelector(IOracleDEVSEN.AllowanceTooLow.selector, account("poor"), address(factory), 0, 0.4e18)
        );
        device.requestStatus(0);
    }

    function test_neverCoversANewerStatusByAnOlderOne() external {
        bytes32 older = askDevice(1);
        vm.warp(START_SEC + 10);
        bytes32 newer = askDevice(1);
        for (uint256 i = 0; i < 2; ++i) answer(i, newer, _faulted);
        for (uint256 i = 0; i < 2; ++i) answer(i, older, _available);
        assertStatus(1, IDeviceDEVSEN.Status.Faulted, 3, false, START_SEC + 5, START_SEC + 10);
    }

    function test_saysWhenTheOraclesDidNotAgreeAndKeepsWhatItKnew() external {
        bytes32 first = askDevice(1);
        for (uint256 i = 0; i < 2; ++i) answer(i, first, _available);
        bytes32 second = askDevice(1);
        vm.warp(START_SEC + 300);
        vm.expectEmit(address(device));
        emit IDeviceDEVSEN.StatusNotAgreed(second, 1, IOracleConsumer.Outcome.Expired);
        oracle.expire(second);
        assertStatus(1, IDeviceDEVSEN.Status.Available, 0, true, START_SEC - 60, START_SEC);
    }

    function test_takesNoStatusThatDoesNotExist() external {
        bytes32 requestId = askDevice(1);
        bytes memory broken = abi.encode(uint256(8), uint8(0), uint64(START_SEC), true);
        answer(0, requestId, broken);
        vm.expectEmit(address(oracle));
        emit IOracleDEVSEN.CallbackFailed(requestId);
        answer(1, requestId, broken);
        assertStatus(1, IDeviceDEVSEN.Status.Unknown, 0, false, 0, 0);
    }

    function test_refusesAConnectorItDoesNotHave() external {
        vm.prank(asker);
        vm.expectRevert(abi.encodeWithSelector(IDeviceDEVSEN.NoSuchConnector.selector, 3));
        device.requestStatus(3);
    }

    function test_isToldByTheLedgerOnlyAndOnlyWhatItAsked() external {
        vm.prank(asker);
        vm.expectRevert(abi.encodeWithSelector(IDeviceDEVSEN.NotOracle.selector, asker));
        device.onOracleAnswer(bytes32(uint256(1)), IOracleConsumer.Outcome.Agreed, _available);
        vm.prank(address(oracle));
        vm.expectRevert(abi.encodeWithSelector(IDeviceDEVSEN.UnknownRequest.selector, bytes32(uint256(1))));
        device.onOracleAnswer(bytes32(uint256(1)), IOracleConsumer.Outcome.Agreed, _available);
    }

    function askDevice(uint16 connector) private returns (bytes32 requestId) {
        vm.prank(asker);
        return device.requestStatus(connector);
    }

    function assertStatus(
        uint16 connector,
        IDeviceDEVSEN.Status status,
        uint256 errorClass,
        bool online,
        uint256 observedAt,
        uint256 askedAt
    ) private view {
        IDeviceDEVSEN.AgreedStatus memory known = device.statusOf(connector);
        assertEq(uint256(known.status), uint256(status), "status");
        assertEq(known.errorClass, errorClass, "error class");
        assertTrue(known.online == online, "online");
        assertEq(known.observedAt, observedAt, "observedAt");
        assertEq(known.askedAt, askedAt, "askedAt");
    }
}
