// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDeviceSessions} from "../../contracts/interfaces/IDeviceSessions.sol";
import {IOracleConsumer} from "../../contracts/interfaces/IOracleConsumer.sol";
import {IPaymentDEVSEN} from "../../contracts/interfaces/IPaymentDEVSEN.sol";
import {Answers} from "../../contracts/libraries/Answers.sol";
import {Charging} from "./support/Charging.sol";

/// @notice Sessions that an RFID card opened: the chain learns of them from the oracles only.
contract DeviceCardsTest is Charging {
    bytes32 private constant SESSION = keccak256("epoch 5, seq 3");

    function setUp() external {
        buildCharging();
        users.setIdTag(CARD, driver);
        vm.prank(driver);
        payment.setCardLimit(CARD, address(token), 15e18, 100e18);
        passHour();
    }

    function test_locksWhatTheCardMayWhileTheSessionRunsAndSettlesAtItsEnd() external {
        bytes32 requestId = askResult(SESSION);
        answer(0, requestId, abi.encode(running()));
        vm.expectEmit(address(device));
        emit IDeviceSessions.CardSessionOpened(SESSION, driver, CARD, 15e18);
        answer(1, requestId, abi.encode(running()));
        assertState(SESSION, IDeviceSessions.SessionState.Active);
        assertEq(device.occupantOf(1), driver, "occupant");
        assertFree(985e18, 0, 15e18);

        tell(SESSION, byCard(hour()));
        assertState(SESSION, IDeviceSessions.SessionState.Settled);
        assertFree(995e18, 5e18, 0);
        assertEq(payment.cardLimitOf(driver, CARD, address(token)).remaining, 95e18, "spent 5");
    }

    function test_locksTheCostOfASessionThatIsOverAndLetsAnyoneSettleIt() external {
        tell(SESSION, byCard(hour()));
        assertState(SESSION, IDeviceSessions.SessionState.Ended);
        assertEq(device.occupantOf(1), address(0), "left");
        assertFree(995e18, 0, 5e18);
        device.settleSession(SESSION);
        assertState(SESSION, IDeviceSessions.SessionState.Settled);
        assertFree(995e18, 5e18, 0);
        vm.expectRevert(
            abi.encodeWithSelector(IDeviceSessions.WrongState.selector, SESSION, IDeviceSessions.SessionState.Settled)
        );
        device.settleSession(SESSION);
    }

    function test_paysNoMoreThanTheCardMay() external {
        vm.prank(driver);
        payment.setCardLimit(CARD, address(token), 2e18, 100e18);
        tell(SESSION, byCard(hour()));
        device.settleSession(SESSION);
        assertFree(998e18, 2e18, 0);
    }

    function test_saysThatACardIsRefusedAndCanBeAskedAgain() external {
        users.setIdTag(CARD, address(0));
        bytes32 requestId = askResult(SESSION);
        answer(0, requestId, abi.encode(byCard(hour())));
        vm.expectEmit(address(device));
        emit IDeviceSessions.CardRefused(
            SESSION,
            CARD,
            abi.encodeWithSelector(IPaymentDEVSEN.CardNotActive.selector, CARD, 0)
        );
        answer(1, requestId, abi.encode(byCard(hour())));
        assertState(SESSION, IDeviceSessions.SessionState.None);

        users.setIdTag(CARD, driver);
        tell(SESSION, byCard(hour()));
        assertState(SESSION, IDeviceSessions.SessionState.Ended);
    }

    function test_opensNothingForASessionFromBeforeTheFirstTariff() external {
        Answers.Result memory early = byCard(hour());
        early.startedAt = uint40(START_SEC - 1);
        bytes32 requestId = askResult(SESSION);
        answer(0, requestId, abi.encode(early));
        vm.expectEmit(address(device));
        emit IDeviceSessions.CardRefused(SESSION, CARD, abi.encodeWithSelector(IDeviceSessions.NoTariff.selector));
        answer(1, requestId, abi.encode(early));
        assertState(SESSION, IDeviceSessions.SessionState.None);

        Answers.Result memory run = running();
        run.startedAt = uint40(START_SEC - 1);
        tell(SESSION, run);
        assertState(SESSION, IDeviceSessions.SessionState.None);
    }

    function test_locksNothingForPhantomsAndForWhatCannotBeBilled() external {
        Answers.Result memory phantom = byCard(hour());
        phantom.energyWh = 99;
        tell(SESSION, phantom);
        assertState(SESSION, IDeviceSessions.SessionState.Settled);

        bytes32 second = keccak256("second");
        Answers.Result memory bad = byCard(hour());
        bad.verdict = Answers.Verdict.Unusable;
        tell(second, bad);
        assertState(second, IDeviceSessions.SessionState.Rejected);
        tell(second, byCard(hour()));
        assertEq(device.sessionOf(second).conflicts, 0, "the same figures");
        assertFree(1_000e18, 0, 0);
    }

    function test_opensNothingWithoutACard() external {
        Answers.Result memory run = running();
        run.idTag = 0;
        tell(SESSION, run);
        tell(SESSION, verdictOnly(Answers.Verdict.CannotKnow, Answers.Reason.NoRecord));
        Answers.Result memory end = hour();
        tell(SESSION, end);
        assertState(SESSION, IDeviceSessions.SessionState.None);
        assertFree(1_000e18, 0, 0);
    }

    function test_opensNothingAtARetiredCharger() external {
        vm.prank(address(factory));
        device.retire();
        tell(SESSION, running());
        tell(SESSION, byCard(hour()));
        assertState(SESSION, IDeviceSessions.SessionState.None);
        vm.prank(driver);
        vm.expectRevert(IDeviceSessions.DeviceRetired.selector);
        device.startCharge(1, DEPOSIT, 1, driver);
    }

    function test_expiresWhatNobodySettled() external {
        tell(SESSION, byCard(hour()));
        vm.warp(block.timestamp + 2 days);
        device.expireSession(SESSION);
        assertState(SESSION, IDeviceSessions.SessionState.Expired);
        assertFree(1_000e18, 0, 0);
    }

    /// @dev A callback has 200,000 gas: it must be enough for the dearest answer, on storage that nobody touched before.
    function test_opensACardsSessionWithinTheGasOfACallback() external {
        bytes32 requestId = askResult(SESSION);
        bytes memory given = abi.encode(byCard(hour()));
        uint256 gasGiven = oracle.CALLBACK_GAS();
        vm.prank(address(oracle));
        uint256 before = gasleft();
        device.onOracleAnswer{gas: gasGiven}(requestId, IOracleConsumer.Outcome.Agreed, given);
        assertLe(before - gasleft(), 190_000, "gas");
        assertState(SESSION, IDeviceSessions.SessionState.Ended);
    }

    function running() private view returns (Answers.Result memory result) {
        result = verdictOnly(Answers.Verdict.Running, Answers.Reason.None);
        result.connector = 1;
        result.idTag = CARD;
        result.startedAt = uint40(block.timestamp - 10 minutes);
    }

    function byCard(Answers.Result memory result) private pure returns (Answers.Result memory) {
        result.idTag = CARD;
        return result;
    }
}
