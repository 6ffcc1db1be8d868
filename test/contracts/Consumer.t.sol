// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ChargerStatusConsumer} from "../../contracts/consumer/ChargerStatusConsumer.sol";
import {ExampleStatusConsumer} from "../../contracts/consumer/ExampleStatusConsumer.sol";
import {IDeviceDEVSEN} from "../../contracts/interfaces/IDeviceDEVSEN.sol";
import {IOracleConsumer} from "../../contracts/interfaces/IOracleConsumer.sol";
import {FreeChargers} from "./support/FreeChargers.sol";
import {World} from "./support/World.sol";

contract ConsumerTest is World {
    ExampleStatusConsumer private _consumer;
    bytes private _charging = abi.encode(IDeviceDEVSEN.Status.Charging, uint8(0), uint64(START_SEC - 3), true);

    function setUp() external {
        build(4, 1);
        _consumer = new ExampleStatusConsumer(oracle);
        fund(address(_consumer), 10e18);
    }

    function test_asksAtItsOwnCostAndRemembersTheAgreedStatus() external {
        vm.prank(account("anyone"));
        bytes32 requestId = _consumer.ask(DEVICE_ID, 1);
        assertEq(oracle.accountJuels(address(_consumer)), 9.6e18, "account");
        vm.warp(START_SEC + 7);
        answer(0, requestId, _charging);
        ExampleStatusConsumer.Known memory expected = ExampleStatusConsumer.Known(
            IDeviceDEVSEN.Status.Charging,
            0,
            true,
            uint64(START_SEC - 3),
            uint64(START_SEC + 7)
        );
        vm.expectEmit(address(_consumer));
        emit ExampleStatusConsumer.Told(requestId, expected);
        answer(1, requestId, _charging);

        assertEq(abi.encode(_consumer.latest(DEVICE_ID, 1)), abi.encode(expected), "latest");
        assertEq(_consumer.latest(DEVICE_ID, 2).toldAt, 0, "another connector");
    }

    function test_saysWhenNoStatusCame() external {
        bytes32 requestId = _consumer.ask(DEVICE_ID, 1);
        vm.warp(START_SEC + 300);
        vm.expectEmit(address(_consumer));
        emit ExampleStatusConsumer.NotTold(requestId, IOracleConsumer.Outcome.Expired);
        oracle.expire(requestId);
        assertEq(_consumer.latest(DEVICE_ID, 1).toldAt, 0, "latest");
    }

    /// @dev The contract that the README shows.
    function test_worksAsTheReadmeSays() external {
        FreeChargers chargers = new FreeChargers(oracle);
        link.mint(address(this), 1e18);
        link.transferAndCall(address(oracle), 1e18, abi.encode(chargers));
        chargers.ask("CP-1");
        assertEq(oracle.accountJuels(address(chargers)), 0.6e18, "paid by the contract");
        for (uint256 i = 0; i < 2; ++i) {
            assertTrue(!chargers.isFree(DEVICE_ID), "not before two of four say so");
            answer(
                i,
                requestIdOf(1),
                abi.encode(IDeviceDEVSEN.Status.Available, uint8(0), uint64(START_SEC - 3), true)
            );
        }
        assertTrue(chargers.isFree(DEVICE_ID), "free");

        chargers.ask("CP-1");
        for (uint256 i = 0; i < 2; ++i) answer(i, requestIdOf(2), _charging);
        assertTrue(!chargers.isFree(DEVICE_ID), "no longer");
    }

    function test_isToldByTheLedgerOnly() external {
        vm.expectRevert(abi.encodeWithSelector(ChargerStatusConsumer.NotOracle.selector, address(this)));
        _consumer.onOracleAnswer(bytes32(uint256(1)), IOracleConsumer.Outcome.Agreed, _charging);
    }
}
