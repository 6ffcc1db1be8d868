// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IPaymentDEVSEN} from "../../contracts/interfaces/IPaymentDEVSEN.sol";
import {PaymentDEVSEN} from "../../contracts/PaymentDEVSEN.sol";
import {PaymentBase} from "./PaymentBase.sol";
import {TestDevice} from "./support/TestDevice.sol";
import {TestToken} from "./support/TestTokens.sol";

/// @notice A session's tokens: into the lock, and out of it by each of the three doors.
contract PaymentEscrowTest is PaymentBase {
    function test_LocksTokensOfTheDriver() external {
        fund(driver, 100);
        bytes32 key = keccak256(abi.encode(device, SESSION));
        vm.expectEmit(address(payment));
        emit IPaymentDEVSEN.Locked(key, address(device), driver, SESSION, address(token), 60, DEADLINE);
        assertEq(lock(60), key, "key");

        assertEq(payment.keyOf(address(device), SESSION), key, "keyOf");
        assertFree(driver, 40);
        assertSession(key, IPaymentDEVSEN.Status.Locked, address(0), 60, 0, DEADLINE);
        assertEq(payment.heldOf(address(token)), 100, "held");
    }

    function test_KnowsNothingOfASessionThatNeverLocked() external view {
        IPaymentDEVSEN.Session memory session = payment.sessionOf(SESSION);
        assertEq(keccak256(abi.encode(session)), keccak256(new bytes(7 * 32)), "all zero");
    }

    function test_PaysTheOwnerAndGivesTheRestBack() external {
        fund(driver, 100);
        bytes32 key = lock(60);
        vm.warp(NOW + 1800);
        vm.expectEmit(address(payment));
        emit IPaymentDEVSEN.Settled(key, address(device), owner, 45, 0, 15);
        (uint256 toPayee, uint256 refunded) = device.settle(SESSION, 45);

        assertEq(toPayee, 45, "paid");
        assertEq(refunded, 15, "refunded");
        assertFree(driver, 55);
        assertFree(owner, 45);
        assertSession(key, IPaymentDEVSEN.Status.Settled, owner, 45, 0, NOW + 1800);
    }

    function test_PaysAtMostWhatIsLocked() external {
        fund(driver, 100);
        bytes32 key = lock(60);
        (uint256 toPayee, uint256 refunded) = device.settle(SESSION, type(uint256).max);

        assertEq(toPayee, 60, "paid");
        assertEq(refunded, 0, "refunded");
        assertFree(driver, 40);
        assertFree(owner, 60);
        assertSession(key, IPaymentDEVSEN.Status.Settled, owner, 60, 0, NOW);
    }

    function test_SettlesASessionThatCostNothing() external {
        fund(driver, 100);
        lock(60);
        device.settle(SESSION, 0);
        assertFree(driver, 100);
        assertFree(owner, 0);
    }

    function test_TakesTheFeeFromTheOwnerAndRoundsItDown() external {
        payment.setFee(250, treasury);
        fund(driver, 100_000);
        bytes32 key = lock(60_000);
        vm.expectEmit(address(payment));
        emit IPaymentDEVSEN.Settled(key, address(device), owner, 44_069, 1_129, 14_802);
        device.settle(SESSION, 45_198);

        // 45,198 × 2.5 % = 1,129.95
        assertFree(treasury, 1_129);
        assertFree(owner, 44_069);
        assertFree(driver, 54_802);
        assertSession(key, IPaymentDEVSEN.Status.Settled, owner, 45_198, 1_129, NOW);
    }

    function test_KeepsTheFeeOfTheTimeOfTheLock() external {
        payment.setFee(100, other);
        fund(driver, 100_000);
        lock(60_000);
        payment.setFee(500, treasury);
        device.settle(SESSION, 10_000);
        assertFree(treasury, 100);
        assertFree(owner, 9_900);
    }

    function test_RefundsWhole() external {
        payment.setFee(500, treasury);
        fund(driver, 100);
        bytes32 key = lock(60);
        vm.expectEmit(address(payment));
        emit IPaymentDEVSEN.Refunded(key, address(device), 60);
        device.refund(SESSION);
        assertFree(driver, 100);
        assertSession(key, IPaymentDEVSEN.Status.Refunded, address(0), 0, 0, NOW);
    }

    function test_LetsAnybodySendTheTokensBackFromTheDeadlineOn() external {
        fund(driver, 100);
        bytes32 key = lock(60);
        vm.warp(DEADLINE - 1);
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.NotYetExpired.selector, key, DEADLINE));
        payment.expire(address(device), SESSION);

        vm.warp(DEADLINE);
        vm.expectEmit(address(payment));
        emit IPaymentDEVSEN.Expired(key, address(device), 60);
        vm.prank(other);
        payment.expire(address(device), SESSION);
        assertFree(driver, 100);
        assertSession(key, IPaymentDEVSEN.Status.Expired, address(0), 0, 0, DEADLINE);
    }

    function test_SettlesAfterTheDeadlineIfNobodyExpiredIt() external {
        fund(driver, 100);
        lock(60);
        vm.warp(DEADLINE + 1 days);
        device.settle(SESSION, 45);
        assertFree(owner, 45);
    }

    function test_LeavesTheLockOnceOnly() external {
        fund(driver, 100);
        bytes32 key = lock(60);
        device.settle(SESSION, 10);
        vm.warp(DEADLINE);
        _expectNotLocked(key, IPaymentDEVSEN.Status.Settled);
        device.settle(SESSION, 10);
        _expectNotLocked(key, IPaymentDEVSEN.Status.Settled);
        device.refund(SESSION);
        _expectNotLocked(key, IPaymentDEVSEN.Status.Settled);
        payment.expire(address(device), SESSION);
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.SessionExists.selector, key));
        device.lock(SESSION, driver, address(token), 1, DEADLINE + 1);
    }

    function test_NeverReopensARefundedOrExpiredSession() external {
        fund(driver, 100);
        bytes32 refunded = lock(10);
        device.refund(SESSION);
        _expectNotLocked(refunded, IPaymentDEVSEN.Status.Refunded);
        device.settle(SESSION, 10);

        bytes32 second = bytes32(uint256(2));
        bytes32 expired = device.lock(second, driver, address(token), 10, DEADLINE);
        vm.warp(DEADLINE);
        payment.expire(address(device), second);
        _expectNotLocked(expired, IPaymentDEVSEN.Status.Expired);
        device.settle(second, 10);
        _expectNotLocked(expired, IPaymentDEVSEN.Status.Expired);
        device.refund(second);
    }

    function test_RefusesToReleaseWhatWasNeverLocked() external {
        bytes32 key = payment.keyOf(address(device), SESSION);
        _expectNotLocked(key, IPaymentDEVSEN.Status.None);
        device.settle(SESSION, 1);
        _expectNotLocked(key, IPaymentDEVSEN.Status.None);
        device.refund(SESSION);
        _expectNotLocked(key, IPaymentDEVSEN.Status.None);
        payment.expire(address(device), SESSION);
    }

    function test_KeepsSessionsOfTwoChargersApart() external {
        TestDevice second = makeDevice(owner, "CP-2");
        fund(driver, 100);
        lock(60);
        bytes32 key = payment.keyOf(address(second), SESSION);
        _expectNotLocked(key, IPaymentDEVSEN.Status.None);
        second.settle(SESSION, 60);
        second.lock(SESSION, driver, address(token), 40, DEADLINE);
        second.refund(SESSION);
        assertFree(driver, 40);
    }

    function test_LocksForChargersOfTheFactoryOnly() external {
        fund(driver, 100);
        vm.prank(other);
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.NotADevice.selector, other));
        payment.lock(SESSION, driver, address(token), 60, DEADLINE);

        users.setIdTag(CARD, driver);
        vm.prank(driver);
        payment.setCardLimit(CARD, address(token), 60, 60);
        TestDevice fake = new TestDevice(payment);
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.NotADevice.selector, fake));
        fake.lockByCard(SESSION, CARD, address(token), 60, DEADLINE);
    }

    function test_LocksNothingBeforeItKnowsTheFactory() external {
        PaymentDEVSEN fresh = new PaymentDEVSEN(address(users));
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.NotADevice.selector, address(this)));
        fresh.lock(SESSION, driver, address(token), 60, DEADLINE);
    }

    function test_PausesNewLocksAndNothingElse() external {
        fund(driver, 100);
        lock(30);
        device.lock(bytes32(uint256(2)), driver, address(token), 30, DEADLINE);
        device.lock(bytes32(uint256(3)), driver, address(token), 30, DEADLINE);
        payment.setLocksPaused(true);
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.LocksPaused.selector));
        device.lock(bytes32(uint256(4)), driver, address(token), 1, DEADLINE);

        device.settle(SESSION, 30);
        device.refund(bytes32(uint256(2)));
        vm.warp(DEADLINE);
        payment.expire(address(device), bytes32(uint256(3)));
        vm.prank(driver);
        payment.withdraw(address(token), 70, driver);
        fund(driver, 5);

        payment.setLocksPaused(false);
        device.lock(bytes32(uint256(4)), driver, address(token), 1, DEADLINE + 1);
    }

    function test_RefusesALockThatIsWrong() external {
        fund(driver, 100);
        TestToken stranger = new TestToken(18);
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.TokenNotAllowed.selector, stranger));
        device.lock(SESSION, driver, address(stranger), 1, DEADLINE);
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.BadDeadline.selector, NOW));
        device.lock(SESSION, driver, address(token), 1, NOW);
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.BadDeadline.selector, NOW + 7 days + 1));
        device.lock(SESSION, driver, address(token), 1, NOW + 7 days + 1);
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.ZeroAmount.selector));
        device.lock(SESSION, driver, address(token), 0, DEADLINE);
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.FreeTooLow.selector, token, driver, 100, 101));
        device.lock(SESSION, driver, address(token), 101, DEADLINE);
        device.lock(SESSION, driver, address(token), 100, NOW + 7 days);
    }

    function test_RefusesALockOfMoreThan96Bits() external {
        uint256 amount = uint256(type(uint96).max) + 1;
        fund(driver, amount);
        vm.expectRevert(abi.encodeWithSelector(SafeCast.SafeCastOverflowedUintDowncast.selector, 96, amount));
        lock(amount);
    }

    function test_RefusesToPayNobody() external {
        fund(driver, 100);
        lock(60);
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.BadRecipient.selector, address(0)));
        device.settleTo(SESSION, 1, address(0));
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.BadRecipient.selector, payment));
        device.settleTo(SESSION, 1, address(payment));
    }

    function test_PaysADriverWhoOwnsTheCharger() external {
        fund(driver, 100);
        lock(60);
        device.settleTo(SESSION, 45, driver);
        assertFree(driver, 100);
    }

    /// @dev Whatever is locked, charged and taken as fee: nothing is lost and nobody pays more than the lock.
    function testFuzz_SplitsALockWithoutRest(uint96 amount, uint256 cost, uint256 feeBps) external {
        amount = uint96(bound(amount, 1, type(uint96).max));
        feeBps = bound(feeBps, 0, 500);
        payment.setFee(feeBps, treasury);
        fund(driver, amount);
        bytes32 key = lock(amount);
        (uint256 toPayee, uint256 refunded) = device.settle(SESSION, cost);

        uint256 paid = cost < amount ? cost : amount;
        assertEq(refunded, amount - paid, "refunded");
        assertEq(free(owner) + free(treasury), paid, "paid");
        assertEq(toPayee, free(owner), "to the owner");
        assertEq(free(treasury), (paid * feeBps) / 10_000, "fee");
        assertFree(driver, refunded);
        assertSession(key, IPaymentDEVSEN.Status.Settled, owner, paid, free(treasury), NOW);
    }

    function _expectNotLocked(bytes32 key, IPaymentDEVSEN.Status status) private {
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.NotLocked.selector, key, status));
    }
}
