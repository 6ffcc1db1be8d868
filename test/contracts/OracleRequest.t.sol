// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOracleDEVSEN} from "../../contracts/interfaces/IOracleDEVSEN.sol";
import {IOracleConsumer} from "../../contracts/interfaces/IOracleConsumer.sol";
import {OracleDEVSEN} from "../../contracts/OracleDEVSEN.sol";
import {HostileOperator} from "./support/Operators.sol";
import {Vm} from "./support/Test.sol";
import {World} from "./support/World.sol";

contract OracleRequestTest is World {
    function setUp() external {
        build(4, 1);
    }

    function test_asksEveryOperatorUnderTheSameIdForOneFeeEach() external {
        vm.recordLogs();
        bytes32 requestId = ask();

        assertEq(requestId, requestIdOf(1), "request id");
        assertEq(oracle.accountJuels(asker), 100e18 - 0.4e18, "account");
        bytes32 topic = keccak256(
            "OracleRequest(bytes32,address,bytes32,uint256,address,bytes4,uint256,uint256,bytes)"
        );
        // deviceId, asOf and params as diet CBOR, written out by hand.
        bytes memory question = abi.encodePacked(
            hex"68",
            "deviceId",
            hex"5820",
            DEVICE_ID,
            hex"64",
            "asOf",
            hex"1b",
            uint64(START_SEC),
            hex"66",
            "params",
            hex"5820",
            uint256(1)
        );
        uint256 asked = 0;
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != topic) continue;
            assertEq(logs[i].emitter, oracles[asked++], "operator");
            assertEq(logs[i].topics[1], SPEC_ID, "spec id");
            bytes memory expected = abi.encode(
                address(oracle),
                requestId,
                FEE_JUELS,
                address(oracle),
                IOracleDEVSEN.fulfil.selector,
                START_SEC + 300,
                2,
                question
            );
            assertEq(logs[i].data, expected, "request");
        }
        assertEq(asked, 4, "operators asked");
    }

    function test_keepsTheRequestAsItWasAsked() external {
        vm.expectEmit(address(oracle));
        emit IOracleDEVSEN.Requested(requestIdOf(1), asker, DEVICE_ID, 1, uint64(START_SEC), 1, abi.encode(uint16(1)));
        bytes32 requestId = ask();

        IOracleDEVSEN.Request memory kept = oracle.requestOf(requestId);
        assertEq(kept.consumer, asker, "consumer");
        assertEq(kept.operatorSetId, 1, "set");
        assertEq(kept.askedAt, START_SEC, "askedAt");
        assertEq(kept.answered, 0, "answered");
        assertEq(kept.payer, asker, "payer");
        assertEq(kept.feeJuels, FEE_JUELS, "fee");
        assertOutcome(requestId, IOracleConsumer.Outcome.Open);
    }

    function test_givesEachRequestAnIdOfItsOwn() external {
        assertEq(ask(), requestIdOf(1), "first");
        assertEq(ask(), requestIdOf(2), "second");
    }

    function test_refusesAQueryWithoutTerms() external {
        vm.expectRevert(abi.encodeWithSelector(IOracleDEVSEN.NotOffered.selector, IOracleDEVSEN.Query.Uptime));
        oracle.request(IOracleDEVSEN.Query.Uptime, DEVICE_ID, "", asker);
        vm.expectRevert(abi.encodeWithSelector(IOracleDEVSEN.NotOffered.selector, IOracleDEVSEN.Query.Uptime));
        oracle.quoteJuels(IOracleDEVSEN.Query.Uptime);
    }

    function test_refusesEveryQueryBeforeThereIsAnOperatorSetOrAFactory() external {
        OracleDEVSEN fresh = new OracleDEVSEN(address(users), address(link));
        fresh.setTerms(STATUS, IOracleDEVSEN.Terms(SPEC_ID, FEE_JUELS));
        vm.expectRevert(abi.encodeWithSelector(IOracleDEVSEN.NotOffered.selector, STATUS));
        fresh.request(STATUS, DEVICE_ID, "", asker);

        fresh.setOperatorSet(accounts, 1);
        vm.expectRevert(abi.encodeWithSelector(IOracleDEVSEN.NotOffered.selector, STATUS));
        fresh.request(STATUS, DEVICE_ID, "", asker);
    }

    function test_refusesAChargerThatTheFactoryDidNotMake() external {
        bytes32 unknown = keccak256("CP-2");
        vm.expectRevert(abi.encodeWithSelector(IOracleDEVSEN.UnknownDevice.selector, unknown));
        oracle.request(STATUS, unknown, "", asker);
    }

    function test_letsOnlyTheChargersOwnContractAskForActs() external {
        for (uint256 i = uint256(IOracleDEVSEN.Query.StartCharge); i <= uint256(IOracleDEVSEN.Query.Command); ++i) {
            IOracleDEVSEN.Query query = IOracleDEVSEN.Query(i);
            oracle.setTerms(query, IOracleDEVSEN.Terms(SPEC_ID, FEE_JUELS));
            vm.prank(asker);
            vm.expectRevert(abi.encodeWithSelector(IOracleDEVSEN.OnlyDevice.selector, DEVICE_ID, asker));
            oracle.request(query, DEVICE_ID, "", asker);

            fund(address(device), 1e18);
            vm.prank(address(device));
            oracle.request(query, DEVICE_ID, "", address(device));
        }
    }

    function test_refusesParametersThatAreTooLong() external {
        vm.startPrank(asker);
        oracle.request(STATUS, DEVICE_ID, new bytes(2048), asker);
        vm.expectRevert(abi.encodeWithSelector(IOracleDEVSEN.ParamsTooLong.selector, 2049));
        oracle.request(STATUS, DEVICE_ID, new bytes(2049), asker);
    }

    function test_refusesAnAccountWithTooLittleLink() external {
        address poor = account("poor");
        fund(poor, 0.4e18 - 1);
        vm.prank(poor);
        vm.expectRevert(abi.encodeWithSelector(IOracleDEVSEN.AccountTooLow.selector, poor, 0.4e18 - 1, 0.4e18));
        oracle.request(STATUS, DEVICE_ID, "", poor);
    }

    function test_chargesAnothersAccountWithinItsAllowance() external {
        address spender = account("spender");
        vm.prank(asker);
        oracle.allow(spender, 0.9e18);
        vm.startPrank(spender);
        oracle.request(STATUS, DEVICE_ID, "", asker);
        oracle.request(STATUS, DEVICE_ID, "", asker);

        assertEq(oracle.allowanceJuels(asker, spender), 0.1e18, "allowance left");
        assertEq(oracle.accountJuels(asker), 99.2e18, "account");
        vm.expectRevert(abi.encodeWithSelector(IOracleDEVSEN.AllowanceTooLow.selector, asker, spender, 0.1e18, 0.4e18));
        oracle.request(STATUS, DEVICE_ID, "", asker);
    }

    function test_doesNotUseUpAnAllowanceWithoutBound() external {
        address spender = account("spender");
        vm.prank(asker);
        oracle.allow(spender, type(uint256).max);
        vm.prank(spender);
        oracle.request(STATUS, DEVICE_ID, "", asker);
        assertEq(oracle.allowanceJuels(asker, spender), type(uint256).max, "allowance");
    }

    function test_letsADeviceUseWhatWasAllowedToItsFactoryAndNobodyElse() external {
        vm.prank(asker);
        oracle.allow(address(factory), 0.4e18);
        vm.prank(account("spender"));
        vm.expectRevert(
            abi.encodeWithSelector(IOracleDEVSEN.AllowanceTooLow.selector, asker, account("spender"), 0, 0.4e18)
        );
        oracle.request(STATUS, DEVICE_ID, "", asker);

        vm.prank(asker);
        device.requestStatus(1);
        assertEq(oracle.allowanceJuels(asker, address(factory)), 0, "allowance left");
    }

    function test_goesOnWithoutAnOperatorThatRefusesAndGivesItsFeeBack() external {
        replaceLast(HostileOperator.Way.Revert);
        vm.expectEmit(address(oracle));
        emit IOracleDEVSEN.Unreachable(requestIdOf(1), oracles[4]);
        bytes32 requestId = ask();

        assertEq(oracle.accountJuels(asker), 100e18 - 0.3e18, "account");
        answer(0, requestId, "yes");
        answer(1, requestId, "yes");
        assertOutcome(requestId, IOracleConsumer.Outcome.Agreed);
    }

    function test_goesOnWithoutAnOperatorThatBurnsItsGasOrReturnsABomb() external {
        replaceLast(HostileOperator.Way.BurnGas);
        ask();
        assertEq(oracle.accountJuels(asker), 100e18 - 0.3e18, "after burning");

        replaceLast(HostileOperator.Way.ReturnBomb);
        ask();
        // It took the LINK: a bomb returned is no refusal.
        assertEq(oracle.accountJuels(asker), 100e18 - 0.7e18, "after the bomb");
    }

    function test_letsNoOperatorReenterWhileItAsks() external {
        HostileOperator hostile = replaceLast(HostileOperator.Way.Reenter);
        ask();
        assertEq(hostile.reentered(), 0, "reentered");
    }

    function test_refusesToAskWhenMoreThanFRefuse() external {
        replaceLast(HostileOperator.Way.Revert);
        replaceLast(HostileOperator.Way.Revert);
        address[] memory two = new address[](4);
        (two[0], two[1], two[2], two[3]) = (accounts[0], accounts[1], accounts[4], accounts[5]);
        oracle.setOperatorSet(two, 1);
        vm.prank(asker);
        vm.expectRevert(abi.encodeWithSelector(IOracleDEVSEN.TooFewOperators.selector, 2, 3));
        oracle.request(STATUS, DEVICE_ID, "", asker);
    }

    function test_refusesATxWithTooLittleGasToReachTheLastOperator() external {
        vm.prank(asker);
        vm.expectPartialRevert(IOracleDEVSEN.GasTooLow.selector);
        oracle.request{gas: 400_000}(STATUS, DEVICE_ID, "", asker);
    }

    /// @dev A new operator that behaves so when it is asked takes the fourth place in the set.
    function replaceLast(HostileOperator.Way onRequest) private returns (HostileOperator hostile) {
        hostile = new HostileOperator(oracle, onRequest, HostileOperator.Way.Idle);
        addOperator(address(hostile));
        address[] memory set = new address[](4);
        (set[0], set[1], set[2], set[3]) = (accounts[0], accounts[1], accounts[2], accounts[accounts.length - 1]);
        oracle.setOperatorSet(set, 1);
    }
}
