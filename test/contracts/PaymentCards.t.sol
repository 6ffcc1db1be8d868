// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IPaymentDEVSEN} from "../../contracts/interfaces/IPaymentDEVSEN.sol";
import {IUserDEVSEN} from "../../contracts/interfaces/IUserDEVSEN.sol";
import {PaymentBase} from "./PaymentBase.sol";
import {TestToken} from "./support/TestTokens.sol";

/// @notice Sessions that an RFID card opened, against the limit its occupant set.
contract PaymentCardsTest is PaymentBase {
    function setUp() public override {
        super.setUp();
        users.setIdTag(CARD, driver);
        fund(driver, 1_000);
    }

    function test_LocksAgainstTheLimitOfTheCard() external {
        vm.expectEmit(address(payment));
        emit IPaymentDEVSEN.CardLimitSet(driver, CARD, address(token), 60, 500);
        _limit(60, 500);
        vm.expectEmit(address(payment));
        emit IPaymentDEVSEN.CardUsed(payment.keyOf(address(device), SESSION), CARD);
        (address occupant, uint256 amount) = _open(1, 100);

        assertEq(occupant, driver, "occupant");
        assertEq(amount, 60, "amount");
        assertFree(driver, 940);
        _assertLimit(60, 440);
        assertSession(
            payment.keyOf(address(device), SESSION),
            IPaymentDEVSEN.Status.Locked,
            address(0),
            60,
            0,
            DEADLINE
        );
    }

    function test_LocksNoMoreThanAskedForRemainingOrFree() external {
        _limit(60, 100);
        (, uint256 asked) = _open(1, 25);
        assertEq(asked, 25, "asked for");
        (, uint256 perSession) = _open(2, 100);
        assertEq(perSession, 60, "per session");
        (, uint256 remaining) = _open(3, 100);
        assertEq(remaining, 15, "remaining");

        _limit(5_000, 5_000);
        (, uint256 allFree) = _open(4, 5_000);
        assertEq(allFree, 900, "free");
    }

    function test_CountsWhatASessionCostAndNotWhatItLocked() external {
        _limit(60, 100);
        _open(1, 60);
        device.settle(SESSION, 10);
        _assertLimit(60, 90);
        _open(2, 60);
        device.refund(bytes32(uint256(2)));
        _assertLimit(60, 90);
        _open(3, 60);
        vm.warp(DEADLINE);
        payment.expire(address(device), bytes32(uint256(3)));
        _assertLimit(60, 90);
    }

    function test_LeavesALimitThatWasSetAnewToLaterSessions() external {
        _limit(60, 100);
        _open(1, 60);
        _limit(60, 20);
        device.settle(SESSION, 10);
        _assertLimit(60, 20);
        assertFree(driver, 990);
    }

    function test_OpensNothingOnceTheLimitIsSpentOrTakenBack() external {
        _limit(60, 60);
        _open(1, 60);
        _expectNothingToLock(driver, address(token));
        _open(2, 60);
        _limit(60, 0);
        _expectNothingToLock(driver, address(token));
        _open(2, 60);
        _limit(0, 60);
        _expectNothingToLock(driver, address(token));
        _open(2, 60);
    }

    function test_OpensNothingInATokenWithoutALimit() external {
        TestToken second = new TestToken(6);
        payment.setToken(address(second), true);
        fund(address(second), driver, 10);
        _limit(60, 60);
        _expectNothingToLock(driver, address(second));
        device.lockByCard(SESSION, CARD, address(second), 1, DEADLINE);
    }

    function test_OpensNothingForACardThatMovedToSomebodyWithoutALimit() external {
        _limit(60, 60);
        users.setUser(other, users.OCCUPANT(), 0, false);
        fund(other, 100);
        users.setIdTag(CARD, other);
        _expectNothingToLock(other, address(token));
        _open(1, 60);
    }

    function test_OpensNothingForACardThatNobodyActiveHas() external {
        _limit(60, 60);
        users.setUser(driver, 1, 0, true);
        _expectNotActive(IUserDEVSEN.UserState.Blocked);
        _open(1, 60);
        users.setUser(driver, 1, uint64(NOW), false);
        _expectNotActive(IUserDEVSEN.UserState.Expired);
        _open(1, 60);
        users.setIdTag(CARD, address(0));
        _expectNotActive(IUserDEVSEN.UserState.Unknown);
        _open(1, 60);
    }

    function test_HoldsForACardWhatHoldsForEveryLock() external {
        _limit(60, 600);
        payment.setLocksPaused(true);
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.LocksPaused.selector));
        _open(1, 60);
        payment.setLocksPaused(false);
        _open(1, 60);
        bytes32 key = payment.keyOf(address(device), SESSION);
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.SessionExists.selector, key));
        _open(1, 60);
        payment.setToken(address(token), false);
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.TokenNotAllowed.selector, token));
        _open(2, 60);
    }

    function test_RefusesALimitOfMoreThan96Bits() external {
        uint256 tooMuch = uint256(type(uint96).max) + 1;
        vm.expectRevert(abi.encodeWithSelector(SafeCast.SafeCastOverflowedUintDowncast.selector, 96, tooMuch));
        _limit(tooMuch, 1);
        vm.expectRevert(abi.encodeWithSelector(SafeCast.SafeCastOverflowedUintDowncast.selector, 96, tooMuch));
        _limit(1, tooMuch);
    }

    /// @dev However the sessions go, they never cost more than the limit allows in all.
    function testFuzz_NeverSpendsMoreThanTheLimit(
        uint96 perSession,
        uint96 allowance,
        uint256[8] calldata costs
    ) external {
        fund(driver, type(uint96).max);
        _limit(perSession, allowance);
        uint256 before = free(driver);
        for (uint256 i = 0; i < costs.length; ++i) {
            IPaymentDEVSEN.CardLimit memory limit = payment.cardLimitOf(driver, CARD, address(token));
            if (limit.remaining == 0 || limit.mostPerSession == 0) break;
            (, uint256 locked) = _open(i, type(uint96).max);
            assertLe(locked, perSession, "per session");
            if (costs[i] % 4 == 0) device.refund(bytes32(i));
            else device.settle(bytes32(i), costs[i] % (uint256(perSession) * 2 + 1));
        }
        uint256 spent = before - free(driver);
        assertLe(spent, allowance, "spent");
        assertEq(payment.cardLimitOf(driver, CARD, address(token)).remaining, allowance - spent, "remaining");
    }

    /// @dev The version of a limit comes round after 65,535 changes: what was locked under the first of that number must
    /// still find its way out, though it does not fit on top of the limit that stands there now.
    function test_OutlivesManyChangesOfALimit() external {
        _limit(60, 100);
        _open(1, 60);
        _open(2, 40);
        for (uint256 i = 0; i < 65_534; ++i) {
            _limit(60, 100);
        }
        _limit(60, type(uint96).max);
        device.refund(SESSION);
        device.settle(bytes32(uint256(2)), 30);
        assertFree(driver, 970);
        assertFree(owner, 30);
        _assertLimit(60, type(uint96).max);
        // The version is not 0, which would mean "by no card".
        _open(3, 60);
        _assertLimit(60, type(uint96).max - 60);
        device.refund(bytes32(uint256(3)));
        _assertLimit(60, type(uint96).max);
    }

    function _limit(uint256 mostPerSession, uint256 allowance) private {
        vm.prank(driver);
        payment.setCardLimit(CARD, address(token), mostPerSession, allowance);
    }

    function _open(uint256 sessionId, uint256 most) private returns (address occupant, uint256 amount) {
        return device.lockByCard(bytes32(sessionId), CARD, address(token), most, DEADLINE);
    }

    function _assertLimit(uint256 mostPerSession, uint256 remaining) private view {
        IPaymentDEVSEN.CardLimit memory limit = payment.cardLimitOf(driver, CARD, address(token));
        assertEq(limit.mostPerSession, mostPerSession, "most per session");
        assertEq(limit.remaining, remaining, "remaining");
    }

    function _expectNothingToLock(address occupant, address token_) private {
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.NothingToLock.selector, CARD, occupant, token_));
    }

    function _expectNotActive(IUserDEVSEN.UserState state) private {
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.CardNotActive.selector, CARD, uint8(state)));
    }
}
