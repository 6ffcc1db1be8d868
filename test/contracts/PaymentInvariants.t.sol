// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PaymentBase} from "./PaymentBase.sol";
import {PaymentHandler} from "./PaymentHandler.sol";
import {TestDevice} from "./support/TestDevice.sol";
import {FeeToken, TestToken} from "./support/TestTokens.sol";

/// @notice What holds of the vault whatever anybody does: with an honest token and one that takes a fee from the sender.
contract PaymentInvariantsTest is PaymentBase {
    PaymentHandler private _handler;
    address[2] private _tokens;

    function setUp() public override {
        super.setUp();
        _tokens = [address(token), address(new FeeToken(true))];
        payment.setToken(_tokens[1], true);
        users.setUser(address(uint160(0xac0000)), users.MANAGER(), 0, false);
        TestDevice[2] memory devices = [
            makeDevice(address(uint160(0xac0000)), "CP-A"),
            makeDevice(address(uint160(0xac0000)), "CP-B")
        ];
        _handler = new PaymentHandler(payment, devices, _tokens);
        users.setUser(_handler.actor(1), users.OCCUPANT(), 0, false);
        users.setIdTag(_handler.CARD(), _handler.actor(1));
        users.transferOwnership(address(_handler));
        vm.prank(address(_handler));
        users.acceptOwnership();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[] memory selectors = new bytes4[](13);
        selectors[0] = PaymentHandler.deposit.selector;
        selectors[1] = PaymentHandler.withdraw.selector;
        selectors[2] = PaymentHandler.lock.selector;
        selectors[3] = PaymentHandler.setCardLimit.selector;
        selectors[4] = PaymentHandler.lockByCard.selector;
        selectors[5] = PaymentHandler.settle.selector;
        selectors[6] = PaymentHandler.refund.selector;
        selectors[7] = PaymentHandler.expire.selector;
        selectors[8] = PaymentHandler.tryAgain.selector;
        selectors[9] = PaymentHandler.donate.selector;
        selectors[10] = PaymentHandler.sweep.selector;
        selectors[11] = PaymentHandler.administer.selector;
        selectors[12] = PaymentHandler.wait.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(_handler), selectors);
    }

    function invariant_HoldsFreeAndLockedAndNothingLess() external view {
        for (uint256 i = 0; i < 2; ++i) {
            uint256 held = payment.heldOf(_tokens[i]);
            assertEq(held, _handler.freeInAll(_tokens[i]) + _handler.lockedInAll(_tokens[i]), "free + locked");
            assertLe(held, TestToken(_tokens[i]).balanceOf(address(payment)), "held");
        }
        assertEq(_handler.changedAfterwards(), 0, "sessions that left the lock twice");
        assertTrue(!_handler.hasLockWithoutEnd(), "every lock has a deadline within reach");
    }

    /// @dev Called once at the end of each run: every token finds its way out.
    function afterInvariant() external {
        _handler.empty();
        for (uint256 i = 0; i < 2; ++i) {
            assertEq(_handler.lockedInAll(_tokens[i]), 0, "locked");
            assertEq(payment.heldOf(_tokens[i]), 0, "held");
        }
    }
}
