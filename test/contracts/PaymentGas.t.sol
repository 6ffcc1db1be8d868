// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PaymentBase} from "./PaymentBase.sol";

/// @notice What a session's tokens cost in gas, each call as if it were a tx of its own: all storage cold.
contract PaymentGasTest is PaymentBase {
    /// @dev What any tx costs before it runs: 21,000, and 16 or 4 for each byte of its data.
    uint256 private constant TX_GAS = 21_000 + 1_500;

    function test_SettlesWithTwoCreditsWithin95000() external {
        fund(driver, 100 ether);
        lock(1 ether);
        assertLe(_gasOf(abi.encodeCall(device.settle, (SESSION, 0.5 ether))), 95_000, "first of this owner");
        device.lock(bytes32(uint256(2)), driver, address(token), 1 ether, DEADLINE);
        assertLe(_gasOf(abi.encodeCall(device.settle, (bytes32(uint256(2)), 0.5 ether))), 75_000, "later ones");
    }

    function test_SettlesWithAFeeWithin95000() external {
        payment.setFee(100, treasury);
        fund(owner, 1 ether);
        fund(driver, 100 ether);
        lock(1 ether);
        assertLe(_gasOf(abi.encodeCall(device.settle, (SESSION, 0.5 ether))), 95_000, "first with a fee");
    }

    function test_LocksWithin100000() external {
        fund(driver, 100 ether);
        bytes memory call = abi.encodeCall(device.lock, (SESSION, driver, address(token), 1 ether, DEADLINE));
        assertLe(_gasOf(call), 100_000, "lock");
    }

    function test_RefundsWithin60000() external {
        fund(driver, 100 ether);
        lock(1 ether);
        assertLe(_gasOf(abi.encodeCall(device.refund, (SESSION))), 60_000, "refund");
    }

    function _gasOf(bytes memory call) private returns (uint256) {
        vm.cool(address(payment));
        vm.cool(address(users));
        vm.cool(address(factory));
        vm.cool(address(device));
        vm.cool(address(token));
        uint256 before = gasleft();
        (bool success, ) = address(device).call(call);
        uint256 used = before - gasleft();
        assertTrue(success, "call");
        return used + TX_GAS;
    }
}
