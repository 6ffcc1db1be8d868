// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IPaymentDEVSEN} from "../../contracts/interfaces/IPaymentDEVSEN.sol";
import {PaymentDEVSEN} from "../../contracts/PaymentDEVSEN.sol";
import {PaymentBase} from "./PaymentBase.sol";
import {TestToken} from "./support/TestTokens.sol";

/// @notice Tokens into the vault and out of it, and what the admin may do.
contract PaymentVaultTest is PaymentBase {
    uint256 private constant KEY = 0xa11ce;

    function test_CreditsADepositToTheAccountNamed() external {
        token.mint(other, 100);
        vm.startPrank(other);
        token.approve(address(payment), 100);
        vm.expectEmit(address(payment));
        emit IPaymentDEVSEN.Deposited(address(token), driver, other, 70);
        uint256 credited = payment.deposit(address(token), 70, driver);

        assertEq(credited, 70, "credited");
        assertFree(driver, 70);
        assertFree(other, 0);
        assertEq(payment.heldOf(address(token)), 70, "held");
        assertEq(token.balanceOf(address(payment)), 70, "balance");
    }

    function test_RefusesADepositOfATokenThatIsNotAllowed() external {
        TestToken stranger = new TestToken(18);
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.TokenNotAllowed.selector, stranger));
        payment.deposit(address(stranger), 1, driver);
    }

    function test_RefusesADepositThatNobodyCouldOwn() external {
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.BadRecipient.selector, address(0)));
        payment.deposit(address(token), 1, address(0));
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.BadRecipient.selector, payment));
        payment.deposit(address(token), 1, address(payment));
    }

    function test_RefusesADepositOfNothing() external {
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.ZeroAmount.selector));
        payment.deposit(address(token), 0, driver);
    }

    function test_RefusesADepositThatWasNotApproved() external {
        token.mint(driver, 5);
        vm.prank(driver);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(payment), 0, 5)
        );
        payment.deposit(address(token), 5, driver);
    }

    function test_TakesADepositWithAPermit() external {
        address signer = vm.addr(KEY);
        token.mint(signer, 100);
        (uint8 v, bytes32 r, bytes32 s) = _permit(100);
        vm.prank(signer);
        payment.depositWithPermit(address(token), 100, driver, DEADLINE, v, r, s);
        assertFree(driver, 100);
        assertEq(token.allowance(signer, address(payment)), 0, "allowance left");
    }

    function test_TakesADepositWhosePermitSomebodyElseBroughtFirst() external {
        address signer = vm.addr(KEY);
        token.mint(signer, 100);
        (uint8 v, bytes32 r, bytes32 s) = _permit(100);
        vm.prank(other);
        token.permit(signer, address(payment), 100, DEADLINE, v, r, s);
        vm.prank(signer);
        payment.depositWithPermit(address(token), 100, signer, DEADLINE, v, r, s);
        assertFree(signer, 100);
    }

    function test_RefusesADepositWithAPermitOfSomebodyElse() external {
        token.mint(vm.addr(KEY), 100);
        (uint8 v, bytes32 r, bytes32 s) = _permit(100);
        vm.prank(other);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(payment), 0, 100)
        );
        payment.depositWithPermit(address(token), 100, other, DEADLINE, v, r, s);
    }

    function test_RefusesAPermitForATokenThatIsNotAllowed() external {
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.TokenNotAllowed.selector, other));
        payment.depositWithPermit(other, 1, driver, DEADLINE, 27, 0, 0);
    }

    function test_WithdrawsToWhateverAddress() external {
        fund(driver, 100);
        vm.prank(driver);
        vm.expectEmit(address(payment));
        emit IPaymentDEVSEN.Withdrawn(address(token), driver, other, 30);
        uint256 debited = payment.withdraw(address(token), 30, other);

        assertEq(debited, 30, "debited");
        assertFree(driver, 70);
        assertEq(token.balanceOf(other), 30, "received");
        assertEq(payment.heldOf(address(token)), 70, "held");
    }

    function test_RefusesToWithdrawMoreThanIsFree() external {
        fund(driver, 100);
        lock(60);
        vm.prank(driver);
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.FreeTooLow.selector, token, driver, 40, 41));
        payment.withdraw(address(token), 41, driver);
    }

    function test_RefusesToWithdrawNothingOrToNobody() external {
        fund(driver, 100);
        vm.startPrank(driver);
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.ZeroAmount.selector));
        payment.withdraw(address(token), 0, driver);
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.BadRecipient.selector, address(0)));
        payment.withdraw(address(token), 1, address(0));
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.BadRecipient.selector, payment));
        payment.withdraw(address(token), 1, address(payment));
    }

    function test_LetsOutWhatIsInThereWhenATokenIsNoLongerAllowed() external {
        fund(driver, 100);
        lock(60);
        payment.setToken(address(token), false);

        device.settle(SESSION, 50);
        vm.prank(driver);
        payment.withdraw(address(token), 50, driver);
        vm.prank(owner);
        payment.withdraw(address(token), 50, owner);
        assertEq(payment.heldOf(address(token)), 0, "held");
    }

    function test_SweepsOnlyWhatNobodyDeposited() external {
        fund(driver, 100);
        token.mint(address(payment), 7);
        vm.expectEmit(address(payment));
        emit IPaymentDEVSEN.Swept(address(token), other, 6);
        payment.sweep(address(token), 6, other);

        assertEq(token.balanceOf(other), 6, "received");
        assertEq(token.balanceOf(address(payment)), 101, "left");
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.SurplusTooLow.selector, token, 1, 2));
        payment.sweep(address(token), 2, other);
    }

    function test_SweepsATokenThatWasNeverAllowed() external {
        TestToken stranger = new TestToken(18);
        stranger.mint(address(payment), 3);
        payment.sweep(address(stranger), 3, other);
        assertEq(stranger.balanceOf(other), 3, "received");
    }

    function test_RefusesToSweepNothingOrToNobodyOrForAStranger() external {
        token.mint(address(payment), 7);
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.ZeroAmount.selector));
        payment.sweep(address(token), 0, other);
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.BadRecipient.selector, payment));
        payment.sweep(address(token), 1, address(payment));
        _expectNotAdmin();
        payment.sweep(address(token), 1, other);
    }

    function test_ListsTokensByPage() external {
        TestToken second = new TestToken(6);
        vm.expectEmit(address(payment));
        emit IPaymentDEVSEN.TokenSet(address(second), true);
        payment.setToken(address(second), true);
        payment.setToken(address(token), false);
        payment.setToken(address(token), false);

        assertEq(payment.tokenCount(), 2, "count");
        IPaymentDEVSEN.TokenView[] memory page = payment.tokens(0, 10);
        assertEq(page.length, 2, "page");
        assertEq(page[0].token, address(token), "first");
        assertTrue(!page[0].allowed && !payment.isAllowed(address(token)), "first is not allowed");
        assertEq(page[1].token, address(second), "second");
        assertTrue(page[1].allowed && payment.isAllowed(address(second)), "second is allowed");
        assertEq(payment.tokens(1, 1)[0].token, address(second), "page of one");
        assertEq(payment.tokens(2, 1).length, 0, "page beyond the end");
    }

    function test_RefusesATokenWithoutCodeOrFromAStranger() external {
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.NotAContract.selector, other));
        payment.setToken(other, true);
        _expectNotAdmin();
        payment.setToken(address(token), true);
    }

    function test_SetsTheFeeUpToItsBound() external {
        vm.expectEmit(address(payment));
        emit IPaymentDEVSEN.FeeSet(500, treasury);
        payment.setFee(500, treasury);
        assertEq(payment.feeBps(), 500, "fee");
        assertEq(payment.treasury(), treasury, "treasury");

        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.FeeTooHigh.selector, 501));
        payment.setFee(501, treasury);
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.BadRecipient.selector, address(0)));
        payment.setFee(0, address(0));
        _expectNotAdmin();
        payment.setFee(1, other);
    }

    function test_PausesForTheAdminOnly() external {
        vm.expectEmit(address(payment));
        emit IPaymentDEVSEN.LocksPausedSet(true);
        payment.setLocksPaused(true);
        assertTrue(payment.locksPaused(), "paused");
        _expectNotAdmin();
        payment.setLocksPaused(false);
    }

    function test_TakesTheFactoryOnce() external {
        PaymentDEVSEN fresh = new PaymentDEVSEN(address(users));
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.ZeroAddress.selector));
        fresh.setFactory(address(0));
        vm.prank(other);
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.NotAdmin.selector, other));
        fresh.setFactory(other);
        vm.expectEmit(address(fresh));
        emit IPaymentDEVSEN.FactorySet(address(factory));
        fresh.setFactory(address(factory));
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.FactoryAlreadySet.selector, factory));
        fresh.setFactory(other);
    }

    function test_NeedsUsers() external {
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.ZeroAddress.selector));
        new PaymentDEVSEN(address(0));
    }

    function _expectNotAdmin() private {
        vm.prank(other);
        vm.expectRevert(abi.encodeWithSelector(IPaymentDEVSEN.NotAdmin.selector, other));
    }

    function _permit(uint256 amount) private view returns (uint8 v, bytes32 r, bytes32 s) {
        bytes32 typeHash = keccak256(
            "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
        );
        address signer = vm.addr(KEY);
        bytes32 structHash = keccak256(
            abi.encode(typeHash, signer, address(payment), amount, token.nonces(signer), DEADLINE)
        );
        return vm.sign(KEY, keccak256(abi.encodePacked("\x19\x01", token.DOMAIN_SEPARATOR(), structHash)));
    }
}
