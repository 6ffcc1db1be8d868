// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDeviceDEVSEN} from "../../contracts/interfaces/IDeviceDEVSEN.sol";
import {IDeviceSessions} from "../../contracts/interfaces/IDeviceSessions.sol";
import {IOracleDEVSEN} from "../../contracts/interfaces/IOracleDEVSEN.sol";
import {IPaymentDEVSEN} from "../../contracts/interfaces/IPaymentDEVSEN.sol";
import {Answers} from "../../contracts/libraries/Answers.sol";
import {Charging} from "./support/Charging.sol";

contract DeviceSessionsTest is Charging {
    function setUp() external {
        buildCharging();
    }

    function test_locksTheDepositAndAsksForAStartWithTheEnergyItBuys() external {
        // (20 − 0.50) / (0.30 a kWh + 0.01 × 60 / 22 a kWh) = 59.58333… kWh.
        vm.expectEmit(address(oracle));
        emit IOracleDEVSEN.Requested(
            requestIdOf(1),
            address(device),
            DEVICE_ID,
            uint8(IOracleDEVSEN.Query.StartCharge),
            uint64(START_SEC),
            1,
            abi.encode(uint16(1), uint64(59_583))
        );
        vm.expectEmit(address(device));
        emit IDeviceSessions.SessionRequested(requestIdOf(1), driver, 1, 1, DEPOSIT, 59_583);
        bytes32 sessionId = start();

        IDeviceSessions.Session memory session = device.sessionOf(sessionId);
        assertState(sessionId, IDeviceSessions.SessionState.Requested);
        assertEq(session.occupant, driver, "occupant");
        assertEq(session.connector, 1, "connector");
        assertEq(session.tariffId, 1, "tariff");
        assertEq(escrowOf(sessionId).timestamp, START_SEC + 2 days, "deadline");
        assertFree(980e18, 0, 20e18);
    }

    function test_isActiveOnceTheOraclesAgreeThatItStarted() external {
        bytes32 sessionId = start();
        answer(0, sessionId, abi.encode(started()));
        assertState(sessionId, IDeviceSessions.SessionState.Requested);
        assertEq(device.occupantOf(1), address(0), "nobody yet");
        vm.expectEmit(address(device));
        emit IDeviceSessions.SessionStarted(sessionId, bytes32(uint256(7)), 1_000_000, uint40(START_SEC));
        answer(1, sessionId, abi.encode(started()));
        assertState(sessionId, IDeviceSessions.SessionState.Active);
        assertEq(device.occupantOf(1), driver, "occupant");
        assertEq(device.lastSessionAt(1), sessionId, "last");
        assertEq(device.sessionOf(sessionId).startedAt, START_SEC, "startedAt");
    }

    function test_paysTheAgreedCostAndGivesTheRestBack() external {
        bytes32 sessionId = active();
        passHour();
        bytes32 requestId = askResult(sessionId);
        Answers.Result memory result = hour();
        answer(0, requestId, abi.encode(result));
        vm.expectEmit(address(device));
        emit IDeviceSessions.SessionEnded(sessionId, result);
        vm.expectEmit(address(device));
        emit IDeviceSessions.SessionClosed(sessionId, IDeviceSessions.SessionState.Settled, Answers.Reason.None);
        answer(1, requestId, abi.encode(result));

        assertState(sessionId, IDeviceSessions.SessionState.Settled);
        assertFree(995e18, 5e18, 0);
        assertEq(device.occupantOf(1), address(0), "left");
        IDeviceSessions.Session memory session = device.sessionOf(sessionId);
        assertEq(session.energyWh, 10_000, "energy");
        assertEq(session.idleSec, 600, "idle");
        assertTrue(session.stop == Answers.Stop.EVDisconnected, "stop");
    }

    function test_paysNoMoreThanTheDeposit() external {
        bytes32 sessionId = active();
        vm.warp(block.timestamp + 20 hours);
        Answers.Result memory result = hour();
        result.startedAt = uint40(START_SEC);
        result.energyWh = 400_000;
        tell(sessionId, result);
        assertFree(980e18, 20e18, 0);
    }

    function test_sendsAPhantomsTokensBackWhole() external {
        bytes32 sessionId = active();
        passHour();
        Answers.Result memory result = hour();
        result.energyWh = 99;
        tell(sessionId, result);
        assertState(sessionId, IDeviceSessions.SessionState.Settled);
        assertEscrow(sessionId, IPaymentDEVSEN.Status.Refunded);
        assertFree(1_000e18, 0, 0);
    }

    function test_settlesAtTheFloor() external {
        bytes32 sessionId = active();
        passHour();
        Answers.Result memory result = hour();
        result.energyWh = 100;
        tell(sessionId, result);
        // 0.50 + 0.03 + 0.50 + 1.00
        assertFree(997.97e18, 2.03e18, 0);
    }

    function test_givesAllBackIfTheChargerRefuses() external {
        bytes32 sessionId = start();
        Answers.Started memory refused;
        (refused.verdict, refused.reason) = (Answers.Verdict.Refused, Answers.Reason.Rejected);
        answer(0, sessionId, abi.encode(refused));
        vm.expectEmit(address(device));
        emit IDeviceSessions.SessionClosed(sessionId, IDeviceSessions.SessionState.Rejected, Answers.Reason.Rejected);
        answer(1, sessionId, abi.encode(refused));
        assertState(sessionId, IDeviceSessions.SessionState.Rejected);
        assertFree(1_000e18, 0, 0);
    }

    function test_takesICannotKnowForAnAnswer() external {
        bytes32 sessionId = start();
        Answers.Started memory unknown;
        (unknown.verdict, unknown.reason) = (Answers.Verdict.CannotKnow, Answers.Reason.Offline);
        agree(sessionId, abi.encode(unknown));
        assertState(sessionId, IDeviceSessions.SessionState.Rejected);
        assertFree(1_000e18, 0, 0);
        assertRecord(0, 1, 0, 0);
    }

    function test_givesAllBackWithoutAgreementInTime() external {
        bytes32 sessionId = start();
        answer(0, sessionId, abi.encode(started()));
        vm.warp(START_SEC + 5 minutes);
        oracle.expire(sessionId);
        assertState(sessionId, IDeviceSessions.SessionState.Expired);
        assertFree(1_000e18, 0, 0);
    }

    function test_givesAllBackIfTheOraclesDisagree() external {
        bytes32 sessionId = start();
        dispute(sessionId);
        assertState(sessionId, IDeviceSessions.SessionState.Expired);
        assertFree(1_000e18, 0, 0);
    }

    function test_waitsForTheResultIfTheStartIsUnderWay() external {
        bytes32 sessionId = start();
        Answers.Started memory running;
        running.verdict = Answers.Verdict.Running;
        agree(sessionId, abi.encode(running));
        assertState(sessionId, IDeviceSessions.SessionState.Requested);

        Answers.Result memory result = verdictOnly(Answers.Verdict.Running, Answers.Reason.None);
        result.startedAt = uint40(START_SEC);
        tell(sessionId, result);
        assertState(sessionId, IDeviceSessions.SessionState.Active);
        assertEq(device.occupantOf(1), driver, "occupant");
    }

    function test_ignoresAStartThatComesAfterTheSessionWentOn() external {
        bytes32 sessionId = start();
        Answers.Result memory never = verdictOnly(Answers.Verdict.Refused, Answers.Reason.NotPluggedIn);
        tell(sessionId, never);
        assertState(sessionId, IDeviceSessions.SessionState.Rejected);
        agree(sessionId, abi.encode(started()));
        assertState(sessionId, IDeviceSessions.SessionState.Rejected);
        assertFree(1_000e18, 0, 0);
    }

    function test_changesNothingWhileItRunsOrNobodyKnows() external {
        bytes32 sessionId = active();
        Answers.Verdict[3] memory open = [Answers.Verdict.Running, Answers.Verdict.CannotKnow, Answers.Verdict.Refused];
        for (uint256 i = 0; i < 3; ++i) {
            bytes32 requestId = askResult(sessionId);
            bytes memory given = abi.encode(verdictOnly(open[i], Answers.Reason.NoRecord));
            answer(0, requestId, given);
            vm.expectEmit(address(device));
            emit IDeviceSessions.ResultOpen(requestId, sessionId, open[i], Answers.Reason.NoRecord);
            answer(1, requestId, given);
            assertState(sessionId, IDeviceSessions.SessionState.Active);
        }
    }

    function test_changesNothingWithoutAgreementOnTheResult() external {
        bytes32 sessionId = active();
        bytes32 requestId = askResult(sessionId);
        for (uint256 i = 0; i < 3; ++i) answer(i, requestId, abi.encode(i));
        vm.expectEmit(address(device));
        emit IDeviceSessions.ResultNotAgreed(requestId, sessionId);
        answer(3, requestId, abi.encode(uint256(3)));
        assertState(sessionId, IDeviceSessions.SessionState.Active);
    }

    function test_stopsForItsOccupantAndItsManagerAndSettlesByTheAnswer() external {
        bytes32 sessionId = active();
        passHour();
        vm.prank(other);
        vm.expectRevert(abi.encodeWithSelector(IDeviceSessions.NotOfSession.selector, sessionId, other));
        device.stopCharge(sessionId, other);
        vm.prank(driver);
        vm.expectRevert(abi.encodeWithSelector(IDeviceSessions.NotPayer.selector, other));
        device.stopCharge(sessionId, other);

        vm.prank(manager);
        device.stopCharge(sessionId, manager);
        vm.prank(driver);
        bytes32 requestId = device.stopCharge(sessionId, driver);
        Answers.Result memory result = hour();
        result.stop = Answers.Stop.Remote;
        agree(requestId, abi.encode(result));
        assertFree(995e18, 5e18, 0);

        vm.prank(driver);
        vm.expectRevert(
            abi.encodeWithSelector(IDeviceSessions.WrongState.selector, sessionId, IDeviceSessions.SessionState.Settled)
        );
        device.stopCharge(sessionId, driver);
    }

    function test_settlesASessionOfWhichTheStartWasNeverAnswered() external {
        bytes32 sessionId = start();
        passHour();
        tell(sessionId, hour());
        assertState(sessionId, IDeviceSessions.SessionState.Settled);
        assertFree(995e18, 5e18, 0);
        agree(sessionId, abi.encode(started()));
        assertState(sessionId, IDeviceSessions.SessionState.Settled);
    }

    function test_recordsASecondEndAndPaysNothingForIt() external {
        bytes32 sessionId = active();
        passHour();
        Answers.Result memory result = hour();
        tell(sessionId, result);
        tell(sessionId, result);
        assertEq(device.sessionOf(sessionId).conflicts, 0, "the same end");

        result.energyWh = 20_000;
        bytes32 requestId = askResult(sessionId);
        answer(0, requestId, abi.encode(result));
        vm.expectEmit(address(device));
        emit IDeviceSessions.SessionConflict(sessionId, result);
        answer(1, requestId, abi.encode(result));
        assertEq(device.sessionOf(sessionId).conflicts, 1, "another end");
        assertEq(device.sessionOf(sessionId).energyWh, 10_000, "energy");
        assertFree(995e18, 5e18, 0);
    }

    function test_holdsWhatCannotBeBilledUntilItsOccupantAcceptsIt() external {
        bytes32 sessionId = active();
        passHour();
        Answers.Result memory result = hour();
        (result.verdict, result.reason) = (Answers.Verdict.Unusable, Answers.Reason.MeterUnusable);
        tell(sessionId, result);
        assertState(sessionId, IDeviceSessions.SessionState.Suspect);
        assertFree(980e18, 0, 20e18);

        vm.prank(manager);
        vm.expectRevert(abi.encodeWithSelector(IDeviceSessions.NotOfSession.selector, sessionId, manager));
        device.acceptSuspect(sessionId);
        vm.prank(driver);
        device.acceptSuspect(sessionId);
        assertState(sessionId, IDeviceSessions.SessionState.Settled);
        assertFree(995e18, 5e18, 0);
        vm.prank(driver);
        vm.expectRevert(
            abi.encodeWithSelector(IDeviceSessions.WrongState.selector, sessionId, IDeviceSessions.SessionState.Settled)
        );
        device.acceptSuspect(sessionId);
    }

    function test_suspectsFiguresThatCannotBe() external {
        passHour();
        Answers.Result[5] memory bad;
        for (uint256 i = 0; i < 5; ++i) bad[i] = hour();
        bad[0].startedAt = bad[0].endedAt + 1;
        bad[1].endedAt = uint40(block.timestamp + 1);
        bad[2].idleSec = 3_601;
        bad[3].startedAt = 0;
        // 22 kW for an hour and the second by which times are rounded, and a quarter more, is 27,507.6 Wh.
        bad[4].energyWh = 27_508;
        for (uint256 i = 0; i < 5; ++i) {
            bytes32 sessionId = active();
            tell(sessionId, bad[i]);
            assertState(sessionId, IDeviceSessions.SessionState.Suspect);
            vm.prank(manager);
            device.waiveSession(sessionId);
            assertState(sessionId, IDeviceSessions.SessionState.Rejected);
        }
        assertFree(1_000e18, 0, 0);
        bytes32 most = active();
        bad[4].energyWh = 27_507;
        tell(most, bad[4]);
        assertState(most, IDeviceSessions.SessionState.Settled);
    }

    function test_letsTheManagerWaiveAndNobodyElse() external {
        bytes32 sessionId = active();
        vm.prank(driver);
        vm.expectRevert(abi.encodeWithSelector(IDeviceDEVSEN.NotManager.selector, driver));
        device.waiveSession(sessionId);
        vm.startPrank(manager);
        device.waiveSession(sessionId);
        assertFree(1_000e18, 0, 0);
        vm.expectRevert(
            abi.encodeWithSelector(
                IDeviceSessions.WrongState.selector,
                sessionId,
                IDeviceSessions.SessionState.Rejected
            )
        );
        device.waiveSession(sessionId);
    }

    function test_letsAnyoneExpireItFromTheDeadlineOn() external {
        bytes32 sessionId = active();
        bytes32 key = payment.keyOf(address(device), sessionId);
        vm.warp(START_SEC + 2 days - 1);
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.NotYetExpired.selector, key, START_SEC + 2 days));
        device.expireSession(sessionId);
        vm.warp(START_SEC + 2 days);
        vm.prank(other);
        device.expireSession(sessionId);
        assertState(sessionId, IDeviceSessions.SessionState.Expired);
        assertFree(1_000e18, 0, 0);
        vm.expectRevert(
            abi.encodeWithSelector(IDeviceSessions.WrongState.selector, sessionId, IDeviceSessions.SessionState.Expired)
        );
        device.expireSession(sessionId);
    }

    function test_knowsThatTheVaultExpiredItBefore() external {
        bytes32 two = start();
        bytes32 three = start();
        bytes32 one = active();
        vm.warp(START_SEC + 2 days);
        payment.expire(address(device), one);
        payment.expire(address(device), two);
        payment.expire(address(device), three);
        tell(one, hour());
        assertState(one, IDeviceSessions.SessionState.Expired);
        assertEq(device.sessionOf(one).energyWh, 10_000, "the end is known all the same");
        device.expireSession(two);
        assertState(two, IDeviceSessions.SessionState.Expired);
        oracle.expire(three);
        assertState(three, IDeviceSessions.SessionState.Expired);
        assertFree(1_000e18, 0, 0);
    }

    function test_settlesAfterTheDeadlineIfNobodyExpiredIt() external {
        bytes32 sessionId = active();
        vm.warp(START_SEC + 3 days);
        tell(sessionId, hour());
        assertFree(995e18, 5e18, 0);
    }

    function test_startsForActiveOccupantsOnly() external {
        vm.prank(other);
        vm.expectRevert(abi.encodeWithSelector(IDeviceSessions.NotAnOccupant.selector, other));
        device.startCharge(1, DEPOSIT, 1, other);
        users.setUser(driver, users.OCCUPANT(), 0, true);
        vm.prank(driver);
        vm.expectRevert(abi.encodeWithSelector(IDeviceSessions.NotAnOccupant.selector, driver));
        device.startCharge(1, DEPOSIT, 1, driver);
    }

    function test_startsAtFreeConnectorsOfItsOwnOnly() external {
        vm.startPrank(driver);
        vm.expectRevert(abi.encodeWithSelector(IDeviceDEVSEN.NoSuchConnector.selector, 0));
        device.startCharge(0, DEPOSIT, 1, driver);
        vm.expectRevert(abi.encodeWithSelector(IDeviceDEVSEN.NoSuchConnector.selector, 3));
        device.startCharge(3, DEPOSIT, 1, driver);
        vm.stopPrank();
        bytes32 sessionId = active();
        vm.prank(driver);
        vm.expectRevert(abi.encodeWithSelector(IDeviceSessions.ConnectorBusy.selector, 1, sessionId));
        device.startCharge(1, DEPOSIT, 1, driver);
    }

    function test_startsByTheTariffThatTheOccupantHasSeenOnly() external {
        vm.prank(manager);
        device.setTariff(tariff(), 0);
        vm.prank(driver);
        vm.expectRevert(abi.encodeWithSelector(IDeviceSessions.TariffChanged.selector, 2));
        device.startCharge(1, DEPOSIT, 1, driver);
    }

    function test_startsNothingThatWouldBeAPhantom() external {
        // 0.50 + 100 Wh × (0.30 + 0.6 / 22) / 1000, rounded up.
        uint256 least = device.depositFor(1, 100);
        assertEq(least, 0.532727272727272728e18, "least");
        vm.startPrank(driver);
        vm.expectRevert(abi.encodeWithSelector(IDeviceSessions.DepositTooLow.selector, least - 1, least));
        device.startCharge(1, uint96(least - 1), 1, driver);
        device.startCharge(1, uint96(least), 1, driver);
    }

    function test_startsNothingThatTheDriverCannotPay() external {
        vm.prank(driver);
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.FreeTooLow.selector, token, driver, 1_000e18, 1_001e18));
        device.startCharge(1, 1_001e18, 1, driver);
    }

    function test_isPaidForByTheManagerOnlyAsFarAsItAllowedThisDevice() external {
        bytes memory refused = abi.encodeWithSelector(IDeviceSessions.NotPayer.selector, manager);
        vm.prank(driver);
        vm.expectRevert(refused);
        device.startCharge(1, DEPOSIT, 1, manager);
        vm.prank(manager);
        oracle.allow(address(device), 0.8e18);
        vm.prank(driver);
        bytes32 sessionId = device.startCharge(1, DEPOSIT, 1, manager);
        assertEq(oracle.accountJuels(manager), 99.6e18, "manager's LINK");
        vm.prank(other);
        vm.expectRevert(refused);
        device.requestSessionResult(sessionId, manager);
        vm.startPrank(driver);
        device.requestSessionResult(sessionId, manager);
        vm.expectRevert(refused);
        device.requestSessionResult(sessionId, manager);
        vm.expectRevert(abi.encodeWithSelector(IDeviceSessions.NotPayer.selector, other));
        device.requestSessionResult(sessionId, other);
    }
}
