// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IPaymentDEVSEN} from "../../contracts/interfaces/IPaymentDEVSEN.sol";
import {PaymentBase} from "./PaymentBase.sol";
import {FeeToken, GuardedToken, LyingToken, ReentrantToken, SilentToken, TestToken} from "./support/TestTokens.sol";

/// @notice Tokens that misbehave cost their own holders at most, and nobody else.
contract PaymentHostileTokensTest is PaymentBase {
    function test_CreditsWhatArrivesOfATokenThatTakesAFee() external {
        address fee = _allow(address(new FeeToken(false)));
        fund(fee, driver, 1_000);
        assertEq(payment.freeOf(fee, driver), 990, "free");
        assertEq(payment.heldOf(fee), 990, "held");

        vm.prank(driver);
        assertEq(payment.withdraw(fee, 990, driver), 990, "debited");
        assertEq(TestToken(fee).balanceOf(driver), 981, "received: 990 less 1 %");
        _assertSolvent(fee, 0);
    }

    function test_DebitsWhatLeavesOfATokenThatTakesItsFeeFromTheSender() external {
        address fee = _allow(address(new FeeToken(true)));
        TestToken(fee).mint(driver, 10);
        fund(fee, driver, 1_000);
        fund(fee, other, 50);
        assertEq(payment.freeOf(fee, driver), 1_000, "free");

        vm.startPrank(driver);
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.FreeTooLow.selector, fee, driver, 0, 10));
        payment.withdraw(fee, 1_000, driver);
        assertEq(payment.withdraw(fee, 900, driver), 909, "debited");
        vm.stopPrank();
        assertEq(payment.freeOf(fee, driver), 91, "left");
        assertEq(payment.freeOf(fee, other), 50, "of the other");
        _assertSolvent(fee, 141);
    }

    function test_KeepsDepositsFromAFeeThatTheTokenTakesOnASweep() external {
        address fee = _allow(address(new FeeToken(true)));
        TestToken(fee).mint(driver, 10);
        fund(fee, driver, 1_000);
        TestToken(fee).mint(address(payment), 500);
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.SurplusTooLow.selector, fee, 500, 505));
        payment.sweep(fee, 500, other);
        payment.sweep(fee, 495, other);
        assertEq(TestToken(fee).balanceOf(address(payment)), 1_001, "balance: 1,500 less 495 and a fee of 4");
    }

    function test_RefusesATokenThatSaysItFailed() external {
        LyingToken liar = LyingToken(_allow(address(new LyingToken(false))));
        fund(address(liar), driver, 100);
        liar.setHonest(false);

        bytes memory failed = abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, liar);
        vm.startPrank(driver);
        vm.expectRevert(failed);
        payment.deposit(address(liar), 1, driver);
        vm.expectRevert(failed);
        payment.withdraw(address(liar), 1, driver);
        vm.stopPrank();
        liar.mint(address(payment), 5);
        vm.expectRevert(failed);
        payment.sweep(address(liar), 5, other);
        assertEq(payment.freeOf(address(liar), driver), 100, "free");
    }

    function test_DoesNotBelieveATokenThatMovesNothing() external {
        LyingToken liar = LyingToken(_allow(address(new LyingToken(true))));
        fund(address(liar), driver, 100);
        liar.setHonest(false);

        vm.startPrank(driver);
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.NothingArrived.selector, liar));
        payment.deposit(address(liar), 1, driver);
        assertEq(payment.withdraw(address(liar), 40, driver), 0, "debited");
        assertEq(payment.freeOf(address(liar), driver), 100, "free");
        _assertSolvent(address(liar), 100);
    }

    function test_TakesATokenThatReturnsNothing() external {
        address silent = _allow(address(new SilentToken()));
        fund(silent, driver, 100);
        vm.prank(driver);
        assertEq(payment.withdraw(silent, 40, driver), 40, "debited");
        _assertSolvent(silent, 60);
    }

    function test_TakesAPermitOfATokenThatHasNone() external {
        address silent = _allow(address(new SilentToken()));
        SilentToken(silent).mint(driver, 100);
        vm.prank(driver);
        payment.depositWithPermit(silent, 100, driver, DEADLINE, 27, 0, 0);
        assertEq(payment.freeOf(silent, driver), 100, "free");
    }

    function test_SettlesWhileTheTokenIsPaused() external {
        GuardedToken guarded = GuardedToken(_allow(address(new GuardedToken())));
        fund(address(guarded), driver, 5_000_000);
        device.lock(SESSION, driver, address(guarded), 3_000_000, DEADLINE);
        guarded.setPaused(true);

        device.settle(SESSION, 1_234_567);
        assertEq(payment.freeOf(address(guarded), owner), 1_234_567, "owner");
        assertEq(payment.freeOf(address(guarded), driver), 3_765_433, "driver");
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(GuardedToken.Paused.selector));
        payment.withdraw(address(guarded), 1, owner);
    }

    function test_SettlesForOthersWhenTheTokenRefusesTheOwner() external {
        GuardedToken guarded = GuardedToken(_allow(address(new GuardedToken())));
        fund(address(guarded), driver, 100);
        device.lock(SESSION, driver, address(guarded), 60, DEADLINE);
        guarded.blacklist(owner);

        device.settle(SESSION, 45);
        vm.prank(driver);
        payment.withdraw(address(guarded), 55, driver);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(GuardedToken.Blacklisted.selector, owner));
        payment.withdraw(address(guarded), 45, owner);
        vm.prank(owner);
        payment.withdraw(address(guarded), 45, other);
        _assertSolvent(address(guarded), 0);
    }

    function test_LetsNobodyInAgainDuringATransfer() external {
        ReentrantToken token_ = ReentrantToken(_allow(address(new ReentrantToken())));
        fund(address(token_), address(token_), 50);
        fund(address(token_), driver, 100);
        token_.mint(driver, 10);
        vm.startPrank(driver);
        token_.approve(address(payment), 10);

        bytes[4] memory calls = [
            abi.encodeCall(payment.withdraw, (address(token_), 50, other)),
            abi.encodeCall(payment.deposit, (address(token_), 1, other)),
            abi.encodeCall(payment.depositWithPermit, (address(token_), 1, other, DEADLINE, 27, 0, 0)),
            abi.encodeCall(payment.sweep, (address(token_), 1, other))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            token_.arm(address(payment), calls[i], i % 2 == 0);
            if (i < 2) payment.withdraw(address(token_), 10, driver);
            else payment.deposit(address(token_), 5, driver);
            assertTrue(!token_.succeeded(), "got in");
            if (i < 3) {
                bytes32 reason = bytes32(token_.returned());
                assertEq(reason, bytes32(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector), "why not");
            }
        }
        assertEq(payment.freeOf(address(token_), driver), 90, "driver");
        assertEq(payment.freeOf(address(token_), address(token_)), 50, "token");
        _assertSolvent(address(token_), 140);
    }

    function test_KeepsTheBooksWhenASessionIsSettledDuringATransfer() external {
        ReentrantToken token_ = ReentrantToken(_allow(address(new ReentrantToken())));
        fund(address(token_), driver, 100);
        device.lock(SESSION, driver, address(token_), 60, DEADLINE);
        token_.arm(address(device), abi.encodeCall(device.settle, (SESSION, 45)), true);

        vm.prank(driver);
        payment.withdraw(address(token_), 40, driver);
        assertTrue(token_.succeeded(), "settled");
        assertEq(payment.freeOf(address(token_), driver), 15, "driver");
        assertEq(payment.freeOf(address(token_), owner), 45, "owner");
        _assertSolvent(address(token_), 60);
    }

    function test_CountsWhatAReceiverSendsBackDuringAWithdrawal() external {
        ReentrantToken token_ = ReentrantToken(_allow(address(new ReentrantToken())));
        fund(address(token_), driver, 100);
        token_.mint(address(token_), 30);
        token_.arm(address(token_), abi.encodeCall(token_.transfer, (address(payment), 30)), true);

        vm.prank(driver);
        assertEq(payment.withdraw(address(token_), 20, driver), 0, "debited: more came than went");
        assertEq(payment.freeOf(address(token_), driver), 100, "free");
        assertEq(payment.heldOf(address(token_)), 100, "held");
        payment.sweep(address(token_), 10, other);
    }

    function _allow(address token_) private returns (address) {
        payment.setToken(token_, true);
        return token_;
    }

    function _assertSolvent(address token_, uint256 held) private view {
        assertEq(payment.heldOf(token_), held, "held");
        assertEq(TestToken(token_).balanceOf(address(payment)), held, "balance");
    }
}
