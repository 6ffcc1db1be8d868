// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDeviceControl} from "../../contracts/interfaces/IDeviceControl.sol";
import {IDeviceDEVSEN} from "../../contracts/interfaces/IDeviceDEVSEN.sol";
import {IDeviceSessions} from "../../contracts/interfaces/IDeviceSessions.sol";
import {IOracleDEVSEN} from "../../contracts/interfaces/IOracleDEVSEN.sol";
import {Answers} from "../../contracts/libraries/Answers.sol";
import {Tariffs} from "../../contracts/libraries/Tariffs.sol";
import {Charging} from "./support/Charging.sol";

/// @notice What a manager does with a charger: tariffs, meter key, configuration and commands; and the faults it sees.
contract DeviceControlTest is Charging {
    function setUp() external {
        buildCharging();
    }

    function test_readsConfigurationThroughTheOracles() external {
        string[] memory keys = new string[](1);
        keys[0] = "HeartbeatInterval";
        vm.expectEmit(address(device));
        emit IDeviceControl.ControlRequested(requestIdOf(1), IOracleDEVSEN.Query.GetConfiguration, abi.encode(keys));
        vm.prank(manager);
        bytes32 requestId = device.getConfiguration(keys);
        assertTrue(device.controlOf(requestId).isOpen, "open");

        string[] memory values = new string[](1);
        values[0] = "300";
        bytes memory given = abi.encode(Answers.Verdict.Done, Answers.Reason.None, values);
        answer(0, requestId, given);
        vm.expectEmit(address(device));
        emit IDeviceControl.ControlAnswered(
            requestId,
            IOracleDEVSEN.Query.GetConfiguration,
            Answers.Verdict.Done,
            Answers.Reason.None,
            given
        );
        answer(1, requestId, given);
        IDeviceControl.Control memory control = device.controlOf(requestId);
        assertTrue(!control.isOpen && control.verdict == Answers.Verdict.Done, "done");
        assertEq(control.answerHash, keccak256(given), "hash");
        assertEq(control.answeredAt, START_SEC, "answeredAt");
    }

    function test_writesConfigurationAndSendsCommandsThroughTheOracles() external {
        vm.startPrank(manager);
        bytes32 write = device.setConfiguration("HeartbeatInterval", "60");
        bytes32 reset = device.command("Reset", '{"type":"Soft"}');
        vm.stopPrank();
        agree(write, abi.encode(Answers.Verdict.Refused, Answers.Reason.Rejected));
        agree(reset, abi.encode(Answers.Verdict.CannotKnow, Answers.Reason.Offline, bytes32(0)));
        assertTrue(device.controlOf(write).verdict == Answers.Verdict.Refused, "refused");
        assertTrue(device.controlOf(reset).reason == Answers.Reason.Offline, "offline");
        assertTrue(device.controlOf(reset).query == IOracleDEVSEN.Query.Command, "query");
    }

    function test_saysWhenTheOraclesDidNotAgreeOnACommand() external {
        vm.prank(manager);
        bytes32 requestId = device.command("Reset", "{}");
        vm.warp(START_SEC + 5 minutes);
        vm.expectEmit(address(device));
        emit IDeviceControl.ControlNotAgreed(requestId, IOracleDEVSEN.Query.Command);
        oracle.expire(requestId);
        assertTrue(device.controlOf(requestId).verdict == Answers.Verdict.None, "none");
        assertTrue(!device.controlOf(requestId).isOpen, "over");
    }

    function test_putsNoSecretOnChain() external {
        vm.prank(manager);
        vm.expectRevert(abi.encodeWithSelector(IDeviceControl.SecretKey.selector, "AuthorizationKey"));
        device.setConfiguration("AuthorizationKey", "00");
    }

    function test_obeysItsManagerOnly() external {
        bytes memory refused = abi.encodeWithSelector(IDeviceDEVSEN.NotManager.selector, other);
        Tariffs.Tariff memory free = tariff();
        vm.startPrank(other);
        vm.expectRevert(refused);
        device.getConfiguration(new string[](0));
        vm.expectRevert(refused);
        device.setConfiguration("a", "b");
        vm.expectRevert(refused);
        device.command("a", "b");
        vm.expectRevert(refused);
        device.setTariff(free, 0);
        vm.expectRevert(refused);
        device.setMeterKey("");
        vm.expectRevert(abi.encodeWithSelector(IDeviceDEVSEN.NotFactory.selector, other));
        device.setManager(other);
        vm.expectRevert(abi.encodeWithSelector(IDeviceDEVSEN.NotFactory.selector, other));
        device.retire();
    }

    function test_keepsTheMetersKey() external {
        vm.startPrank(manager);
        vm.expectEmit(address(device));
        emit IDeviceDEVSEN.MeterKeySet(DEVICE_ID, hex"3059");
        device.setMeterKey(hex"3059");
        assertEq(device.meterKey(), hex"3059", "key");
        vm.expectRevert(abi.encodeWithSelector(IDeviceDEVSEN.MeterKeyTooLong.selector, 257));
        device.setMeterKey(new bytes(257));
    }

    function test_changesItsTariffWhenTheTimeComes() external {
        Tariffs.Tariff memory dearer = tariff();
        dearer.flat = 1e18;
        vm.startPrank(manager);
        assertEq(device.setTariff(dearer, uint40(START_SEC + 100)), 2, "second");
        dearer.flat = 2e18;
        assertEq(device.setTariff(dearer, uint40(START_SEC + 200)), 2, "in the place of what does not hold yet");
        assertEq(device.tariffCount(), 2, "count");
        vm.warp(START_SEC + 199);
        (uint256 tariffId, Tariffs.Tariff memory now_) = device.tariffNow();
        assertEq(tariffId, 1, "still the first");
        vm.warp(START_SEC + 200);
        (tariffId, now_) = device.tariffNow();
        assertEq(tariffId, 2, "the second");
        assertEq(now_.flat, 2e18, "flat");
        assertEq(device.tariffOf(2).validFrom, START_SEC + 200, "since");
    }

    function test_costsASessionByTheTariffItBeganWith() external {
        bytes32 sessionId = active();
        Tariffs.Tariff memory dearer = tariff();
        dearer.perKwh = 3e18;
        vm.prank(manager);
        device.setTariff(dearer, 0);
        passHour();
        tell(sessionId, hour());
        assertFree(995e18, 5e18, 0);
    }

    function test_refusesTariffsOfThePastAndInTokensThatAreNotAllowed() external {
        Tariffs.Tariff memory foreign = tariff();
        foreign.token = address(link);
        vm.startPrank(manager);
        vm.expectRevert(abi.encodeWithSelector(IDeviceSessions.TokenNotAllowed.selector, link));
        device.setTariff(foreign, 0);
        foreign = tariff();
        vm.expectRevert(abi.encodeWithSelector(IDeviceSessions.TariffInThePast.selector, START_SEC - 1));
        device.setTariff(foreign, uint40(START_SEC - 1));
    }

    function test_costsNothingKnownWithoutATariff() external {
        vm.prank(manager);
        IDeviceDEVSEN fresh = IDeviceDEVSEN(factory.createDevice(newDevice("CP-2")));
        vm.expectRevert(IDeviceSessions.NoTariff.selector);
        fresh.tariffNow();
        vm.expectRevert(IDeviceSessions.NoTariff.selector);
        fresh.depositFor(1, 100);
        vm.prank(driver);
        vm.expectRevert(IDeviceSessions.NoTariff.selector);
        fresh.startCharge(1, DEPOSIT, 1, driver);
        vm.expectRevert(abi.encodeWithSelector(IDeviceDEVSEN.NoSuchConnector.selector, 3));
        fresh.depositFor(3, 100);
    }

    function test_keepsTheLastSixteenFaultsTheLatestFirst() external {
        for (uint8 i = 1; i <= 18; ++i) fault(i, uint64(START_SEC + i));
        fault(18, uint64(START_SEC + 99));
        assertEq(device.faultCount(), 18, "the same fault once");
        IDeviceDEVSEN.Fault[] memory faults = device.faults();
        assertEq(faults.length, 16, "kept");
        assertEq(faults[0].errorClass, 18, "latest");
        assertEq(faults[15].errorClass, 3, "oldest");
        assertEq(faults[0].observedAt, START_SEC + 18, "observedAt");
        assertEq(faults[0].connector, 1, "connector");
    }

    function fault(uint8 errorClass, uint64 observedAt) private {
        vm.prank(asker);
        bytes32 requestId = device.requestStatus(1);
        agree(requestId, abi.encode(IDeviceDEVSEN.Status.Faulted, errorClass, observedAt, true));
    }
}
