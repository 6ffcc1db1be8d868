// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOracleConsumer} from "../../contracts/interfaces/IOracleConsumer.sol";
import {IOracleDEVSEN} from "../../contracts/interfaces/IOracleDEVSEN.sol";
import {
    GasBurningConsumer,
    RecordingConsumer,
    ReenteringConsumer,
    ReturnBombConsumer,
    RevertingConsumer
} from "./support/Consumers.sol";
import {World} from "./support/World.sol";

contract OracleAnswerTest is World {
    RecordingConsumer private _consumer;

    function test_deliversTheFirstAnswerThatFPlusOneGave() external {
        for (uint256 i = 0; i < 3; ++i) {
            uint256 size = [uint256(4), 7, 16][i];
            uint256 faults = (size - 1) / 3;
            start(size);
            bytes32 requestId = askAs(address(_consumer));
            for (uint256 k = 0; k < faults; ++k) {
                assertTrue(answer(k, requestId, "yes"), "taken");
            }
            assertEq(_consumer.told(), 0, "told too early");
            assertOutcome(requestId, IOracleConsumer.Outcome.Open);

            assertTrue(answer(faults, requestId, "yes"), "taken");

            assertEq(_consumer.told(), 1, "told");
            assertEq(_consumer.requestId(), requestId, "request");
            assertEq(uint256(_consumer.outcome()), uint256(IOracleConsumer.Outcome.Agreed), "outcome");
            assertEq(_consumer.answer(), "yes", "answer");
            assertOutcome(requestId, IOracleConsumer.Outcome.Agreed);
        }
    }

    function test_doesNotDeliverWhatFOperatorsLie() external {
        start(7);
        bytes32 requestId = askAs(address(_consumer));
        answer(0, requestId, "lie");
        answer(1, requestId, "lie");
        answer(2, requestId, "yes");
        answer(3, requestId, "yes");
        assertEq(_consumer.told(), 0, "told too early");
        answer(4, requestId, "yes");
        assertEq(_consumer.answer(), "yes", "answer");
    }

    function test_recordsWhoAgreedAndWhoDidNot() external {
        start(4);
        bytes32 requestId = askAs(address(_consumer));
        answer(2, requestId, "lie");
        answer(0, requestId, "yes");
        answer(3, requestId, "yes");

        assertRecord(0, 1, 0, 0);
        assertRecord(1, 0, 0, 0);
        assertRecord(2, 0, 1, 0);
        assertRecord(3, 1, 0, 0);
    }

    function test_recordsLateAnswersWithoutEffect() external {
        start(4);
        bytes32 requestId = askAs(address(_consumer));
        answer(0, requestId, "yes");
        answer(1, requestId, "yes");
        vm.expectEmit(address(oracle));
        emit IOracleDEVSEN.Observed(requestId, oracles[2], "yes");
        answer(2, requestId, "yes");
        answer(3, requestId, "lie");

        assertRecord(2, 1, 0, 0);
        assertRecord(3, 0, 1, 0);
        assertEq(_consumer.told(), 1, "told");
        assertEq(_consumer.answer(), "yes", "answer");
    }

    function test_tellsTheConsumerOfADisputeWhenAllAnsweredAndTooFewAgree() external {
        start(4);
        bytes32 requestId = askAs(address(_consumer));
        answer(0, requestId, "a");
        answer(1, requestId, "b");
        answer(2, requestId, "c");
        vm.expectEmit(address(oracle));
        emit IOracleDEVSEN.Disputed(requestId);
        answer(3, requestId, "d");

        assertEq(_consumer.told(), 1, "told");
        assertEq(uint256(_consumer.outcome()), uint256(IOracleConsumer.Outcome.Disputed), "outcome");
        assertEq(_consumer.answer(), "", "answer");
        for (uint256 i = 0; i < 4; ++i) assertRecord(i, 0, 0, 0);
    }

    function test_takesAnEmptyAnswerForAnAnswer() external {
        start(4);
        bytes32 requestId = askAs(address(_consumer));
        answer(0, requestId, "");
        answer(1, requestId, "");
        assertEq(_consumer.told(), 1, "told");
        assertOutcome(requestId, IOracleConsumer.Outcome.Agreed);
    }

    function test_keepsTheAnswersOfTwoRequestsApart() external {
        start(4);
        bytes32 first = askAs(address(_consumer));
        bytes32 second = askAs(address(_consumer));
        answer(0, first, "yes");
        answer(1, second, "yes");
        assertEq(_consumer.told(), 0, "told");
    }

    function test_refusesARequestThatIsNotThere() external {
        start(4);
        vm.expectRevert(abi.encodeWithSelector(IOracleDEVSEN.UnknownRequest.selector, bytes32(uint256(7))));
        oracle.fulfil(bytes32(uint256(7)), "yes");
    }

    function test_refusesWhoWasNotAsked() external {
        start(4);
        bytes32 requestId = askAs(address(_consumer));
        // Not even the operator's own account: only its `Operator` contract.
        vm.prank(accounts[0]);
        vm.expectRevert(abi.encodeWithSelector(IOracleDEVSEN.NotAsked.selector, requestId, accounts[0]));
        oracle.fulfil(requestId, "yes");
    }

    function test_refusesASecondAnswerOfOneOperator() external {
        start(4);
        bytes32 requestId = askAs(address(_consumer));
        vm.startPrank(oracles[0]);
        oracle.fulfil(requestId, "yes");
        vm.expectRevert(abi.encodeWithSelector(IOracleDEVSEN.AnsweredBefore.selector, requestId, oracles[0]));
        oracle.fulfil(requestId, "yes");
        assertEq(_consumer.told(), 0, "told");
    }

    function test_refusesAnAnswerThatIsTooLong() external {
        start(4);
        bytes32 requestId = askAs(address(_consumer));
        vm.startPrank(oracles[0]);
        vm.expectRevert(abi.encodeWithSelector(IOracleDEVSEN.AnswerTooLong.selector, 1025));
        oracle.fulfil(requestId, new bytes(1025));
        oracle.fulfil(requestId, new bytes(1024));
    }

    function test_refusesAnAnswerWithTooLittleGasForTheConsumerAndTakesItAgainLater() external {
        start(4);
        bytes32 requestId = askAs(address(_consumer));
        answer(0, requestId, "yes");
        vm.startPrank(oracles[1]);
        vm.expectPartialRevert(IOracleDEVSEN.GasTooLow.selector);
        oracle.fulfil{gas: 200_000}(requestId, "yes");
        assertEq(_consumer.told(), 0, "told");

        oracle.fulfil(requestId, "yes");
        assertEq(_consumer.told(), 1, "told");
        assertTrue(_consumer.gasGiven() > 199_000 && _consumer.gasGiven() <= 200_000, "all of the promised gas");
    }

    function test_isUnharmedByAConsumerThatRevertsBurnsGasOrReturnsABomb() external {
        start(4);
        address[3] memory hostile = [
            address(new RevertingConsumer()),
            address(new GasBurningConsumer()),
            address(new ReturnBombConsumer())
        ];
        for (uint256 i = 0; i < 3; ++i) {
            fund(hostile[i], 1e18);
            bytes32 requestId = askAs(hostile[i]);
            answer(0, requestId, "yes");
            // Returning a bomb is no failure; nobody copies it.
            if (i < 2) {
                vm.expectEmit(address(oracle));
                emit IOracleDEVSEN.CallbackFailed(requestId);
            }
            uint256 gasBefore = gasleft();
            assertTrue(answer(1, requestId, "yes"), "taken");
            assertTrue(gasBefore - gasleft() < 400_000, "no more gas than the callback's");
            assertOutcome(requestId, IOracleConsumer.Outcome.Agreed);
            assertTrue(answer(2, requestId, "yes"), "late answer taken");
        }
    }

    function test_letsAConsumerNotBackInFromItsCallback() external {
        start(4);
        ReenteringConsumer hostile = new ReenteringConsumer(oracle);
        fund(address(hostile), 10e18);
        bytes32 requestId = askAs(address(hostile));
        answer(0, requestId, "yes");
        answer(1, requestId, "yes");
        assertEq(hostile.attempts(), 4, "attempts");
        assertEq(hostile.successes(), 0, "successes");
    }

    function test_answersAnAccountWithoutCode() external {
        start(4);
        bytes32 requestId = ask();
        answer(0, requestId, "yes");
        vm.expectEmit(address(oracle));
        emit IOracleDEVSEN.Answered(requestId, "yes");
        answer(1, requestId, "yes");
        assertOutcome(requestId, IOracleConsumer.Outcome.Agreed);
    }

    function test_leavesARequestWithTheOperatorsItWasSentTo() external {
        start(4);
        bytes32 requestId = askAs(address(_consumer));
        for (uint256 i = 0; i < 4; ++i) addOperator(deployOperator(accountOf(4 + i)));
        address[] memory next = new address[](4);
        for (uint256 i = 0; i < 4; ++i) next[i] = accounts[4 + i];
        oracle.setOperatorSet(next, 1);

        vm.prank(oracles[4]);
        vm.expectRevert(abi.encodeWithSelector(IOracleDEVSEN.NotAsked.selector, requestId, oracles[4]));
        oracle.fulfil(requestId, "yes");
        answer(0, requestId, "yes");
        answer(3, requestId, "yes");
        assertEq(_consumer.told(), 1, "told");

        bytes32 later = askAs(address(_consumer));
        vm.prank(oracles[0]);
        vm.expectRevert(abi.encodeWithSelector(IOracleDEVSEN.NotAsked.selector, later, oracles[0]));
        oracle.fulfil(later, "yes");
        answer(4, later, "yes");
        answer(5, later, "yes");
        assertEq(_consumer.told(), 2, "told");
    }

    function test_isAnsweredThoughKeysAndContractsOfItsOperatorsChangeMeanwhile() external {
        start(4);
        bytes32 requestId = askAs(address(_consumer));
        users.setOperator(accounts[0], oracles[0], vm.addr(3000));
        users.setOperator(accounts[1], deployOperator(accounts[1]), vm.addr(3001));

        answer(0, requestId, "yes");
        assertEq(_consumer.told(), 0, "told by one");
        answer(1, requestId, "yes");
        assertEq(_consumer.told(), 1, "told by two");
        assertOutcome(requestId, IOracleConsumer.Outcome.Agreed);
    }

    /// @dev Whatever 7 operators say in whatever order, what is delivered was said by 3 of them, and first by 3.
    function testFuzz_deliversOnlyWhatFPlusOneSaid(uint256 order, uint256 words) external {
        start(7);
        bytes32 requestId = askAs(address(_consumer));
        uint256[3] memory givers;
        uint256 agreed = type(uint256).max;
        uint256 left = 127;
        for (uint256 i = 0; i < 7; ++i) {
            uint256 number = uint256(keccak256(abi.encode(order, i))) % 7;
            while ((left >> number) & 1 == 0) number = (number + 1) % 7;
            left &= ~(1 << number);
            uint256 word = uint256(keccak256(abi.encode(words, number))) % 3;
            if (++givers[word] == 3 && agreed == type(uint256).max) agreed = word;
            answer(number, requestId, abi.encode(word));
            assertEq(_consumer.told(), agreed == type(uint256).max ? 0 : 1, "told");
        }
        // Seven answers of three kinds: some kind was given three times.
        assertEq(_consumer.answer(), abi.encode(agreed), "answer");
    }

    function start(uint256 size) private {
        delete accounts;
        delete oracles;
        build(size, uint8((size - 1) / 3));
        _consumer = new RecordingConsumer();
        fund(address(_consumer), 100e18);
    }
}
