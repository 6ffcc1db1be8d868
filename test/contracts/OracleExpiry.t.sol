// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOracleConsumer} from "../../contracts/interfaces/IOracleConsumer.sol";
import {IOracleDEVSEN} from "../../contracts/interfaces/IOracleDEVSEN.sol";
import {RecordingConsumer, RevertingConsumer} from "./support/Consumers.sol";
import {HostileOperator} from "./support/Operators.sol";
import {World} from "./support/World.sol";

contract OracleExpiryTest is World {
    RecordingConsumer private _consumer;

    function setUp() external {
        build(4, 1);
        _consumer = new RecordingConsumer();
        fund(address(_consumer), 10e18);
    }

    function test_refundsTheSilentAndTellsTheConsumerAfterTheDeadline() external {
        bytes32 requestId = askAs(address(_consumer));
        answer(0, requestId, "yes");
        vm.warp(START_SEC + 300);
        vm.expectEmit(address(oracle));
        emit IOracleDEVSEN.Expired(requestId, 0.3e18);
        vm.prank(account("anyone"));
        oracle.expire(requestId);

        assertEq(oracle.accountJuels(address(_consumer)), 10e18 - 0.1e18, "account");
        assertEq(_consumer.told(), 1, "told");
        assertEq(uint256(_consumer.outcome()), uint256(IOracleConsumer.Outcome.Expired), "outcome");
        assertEq(_consumer.answer(), "", "answer");
        assertRecord(0, 0, 0, 0);
        for (uint256 i = 1; i < 4; ++i) assertRecord(i, 0, 0, 1);
    }

    function test_refusesToExpireBeforeTheDeadline() external {
        bytes32 requestId = ask();
        vm.warp(START_SEC + 299);
        vm.expectRevert(abi.encodeWithSelector(IOracleDEVSEN.NotYetExpired.selector, requestId, START_SEC + 300));
        oracle.expire(requestId);
    }

    function test_refusesToExpireWhatIsNotThere() external {
        vm.expectRevert(abi.encodeWithSelector(IOracleDEVSEN.UnknownRequest.selector, bytes32(uint256(7))));
        oracle.expire(bytes32(uint256(7)));
    }

    function test_expiresOnlyOnce() external {
        bytes32 requestId = askAs(address(_consumer));
        vm.warp(START_SEC + 300);
        oracle.expire(requestId);
        vm.expectRevert(abi.encodeWithSelector(IOracleDEVSEN.NothingToExpire.selector, requestId));
        oracle.expire(requestId);
        assertEq(_consumer.told(), 1, "told");
        assertEq(oracle.accountJuels(address(_consumer)), 10e18, "account");
    }

    function test_hasNothingToExpireWhenAllAnswered() external {
        bytes32 requestId = ask();
        for (uint256 i = 0; i < 4; ++i) answer(i, requestId, "yes");
        vm.warp(START_SEC + 300);
        vm.expectRevert(abi.encodeWithSelector(IOracleDEVSEN.NothingToExpire.selector, requestId));
        oracle.expire(requestId);
    }

    function test_reclaimsFromTheSilentOfAnAnsweredRequestAndTellsNobodyAgain() external {
        bytes32 requestId = askAs(address(_consumer));
        for (uint256 i = 0; i < 3; ++i) answer(i, requestId, "yes");
        vm.warp(START_SEC + 300);
        vm.expectEmit(address(oracle));
        emit IOracleDEVSEN.Reclaimed(requestId, 0.1e18);
        oracle.expire(requestId);

        assertEq(oracle.accountJuels(address(_consumer)), 10e18 - 0.3e18, "account");
        assertEq(_consumer.told(), 1, "told");
        assertOutcome(requestId, IOracleConsumer.Outcome.Agreed);
        assertRecord(3, 0, 0, 1);
    }

    function test_takesAnswersAfterTheDeadlineUntilSomebodyExpiresTheRequest() external {
        bytes32 requestId = askAs(address(_consumer));
        vm.warp(START_SEC + 10_000);
        answer(0, requestId, "yes");
        answer(1, requestId, "yes");
        assertOutcome(requestId, IOracleConsumer.Outcome.Agreed);
    }

    function test_takesNoAnswerOnceExpired() external {
        HostileOperator hostile = replaceLast(HostileOperator.Way.Idle);
        bytes32 requestId = askAs(address(_consumer));
        vm.warp(START_SEC + 300);
        oracle.expire(requestId);
        // A real `Operator` has forgotten the request; this one kept the LINK and may call.
        vm.expectRevert(abi.encodeWithSelector(IOracleDEVSEN.AnsweredBefore.selector, requestId, address(hostile)));
        hostile.fulfil(requestId, "yes");
    }

    function test_isStoppedByNoOperatorThatMisbehavesWhenCancelled() external {
        for (uint256 way = 0; way <= uint256(HostileOperator.Way.Reenter); ++way) {
            uint256 before = oracle.accountJuels(address(_consumer));
            HostileOperator hostile = replaceLast(HostileOperator.Way(way));
            bytes32 requestId = askAs(address(_consumer));
            vm.warp(block.timestamp + 300);
            oracle.expire(requestId);
            // Three honest refunds; what the fourth keeps is lost, and nothing else is.
            assertEq(oracle.accountJuels(address(_consumer)), before - 0.1e18, "account");
            assertOutcome(requestId, IOracleConsumer.Outcome.Expired);
            assertEq(hostile.reentered(), 0, "reentered");
            assertSolvent();
        }
    }

    function test_creditsNoMoreThanTheFeesHoweverMuchAnOperatorSends() external {
        HostileOperator hostile = replaceLast(HostileOperator.Way.Donate);
        bytes32 requestId = askAs(address(_consumer));
        link.mint(address(hostile), 50e18);
        vm.warp(START_SEC + 300);
        oracle.expire(requestId);
        assertEq(oracle.accountJuels(address(_consumer)), 10e18, "account");
        assertSolvent();
    }

    function test_refusesATxWithTooLittleGasToCancelProperly() external {
        bytes32 requestId = ask();
        vm.warp(START_SEC + 300);
        vm.expectPartialRevert(IOracleDEVSEN.GasTooLow.selector);
        oracle.expire{gas: 120_000}(requestId);

        oracle.expire(requestId);
        assertEq(oracle.accountJuels(asker), 100e18, "account");
    }

    function test_expiresForAConsumerThatReverts() external {
        RevertingConsumer hostile = new RevertingConsumer();
        fund(address(hostile), 1e18);
        bytes32 requestId = askAs(address(hostile));
        vm.warp(START_SEC + 300);
        vm.expectEmit(address(oracle));
        emit IOracleDEVSEN.CallbackFailed(requestId);
        oracle.expire(requestId);
        assertEq(oracle.accountJuels(address(hostile)), 1e18, "account");
    }

    function test_refundsTheOneWhoPaid() external {
        address spender = account("spender");
        vm.prank(asker);
        oracle.allow(spender, 1e18);
        vm.prank(spender);
        bytes32 requestId = oracle.request(STATUS, DEVICE_ID, "", asker);
        vm.warp(START_SEC + 300);
        oracle.expire(requestId);
        assertEq(oracle.accountJuels(asker), 100e18, "payer");
        assertEq(oracle.accountJuels(spender), 0, "spender");
    }

    function test_refundsTheFeeOfTheTimeOfAsking() external {
        bytes32 requestId = ask();
        oracle.setTerms(STATUS, IOracleDEVSEN.Terms(SPEC_ID, 7e18));
        vm.warp(START_SEC + 300);
        oracle.expire(requestId);
        assertEq(oracle.accountJuels(asker), 100e18, "account");
    }

    function replaceLast(HostileOperator.Way onCancel) private returns (HostileOperator hostile) {
        hostile = new HostileOperator(oracle, HostileOperator.Way.Idle, onCancel);
        addOperator(address(hostile));
        address[] memory set = new address[](4);
        (set[0], set[1], set[2], set[3]) = (accounts[0], accounts[1], accounts[2], accounts[accounts.length - 1]);
        oracle.setOperatorSet(set, 1);
    }

    function assertSolvent() private view {
        uint256 owed = oracle.accountJuels(address(_consumer)) + oracle.accountJuels(asker);
        assertTrue(link.balanceOf(address(oracle)) >= owed, "solvent");
    }
}
