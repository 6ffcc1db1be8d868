// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPaymentDEVSEN} from "../../contracts/interfaces/IPaymentDEVSEN.sol";
import {PaymentDEVSEN} from "../../contracts/PaymentDEVSEN.sol";
import {Test} from "./support/Test.sol";
import {TestDevice} from "./support/TestDevice.sol";
import {TestToken} from "./support/TestTokens.sol";

/// @notice Works the vault at random, as drivers, owners, chargers, strangers and the admin would, and keeps its own books.
/// @dev It is the admin. Every call here is one that should succeed; what should fail is tested by itself.
contract PaymentHandler is Test {
    struct Opened {
        TestDevice device;
        bytes32 sessionId;
        uint256 deadline;
        bytes32 leftAs;
    }

    uint256 public constant ACTORS = 5;
    bytes32 public constant CARD = keccak256("card");

    PaymentDEVSEN public immutable payment;
    TestDevice[2] public devices;
    address[2] public tokens;
    Opened[] private _opened;
    /// @dev Keys of sessions that changed after they had left the lock.
    uint256 public changedAfterwards;

    constructor(PaymentDEVSEN payment_, TestDevice[2] memory devices_, address[2] memory tokens_) {
        (payment, devices, tokens) = (payment_, devices_, tokens_);
    }

    /// @dev Actor 0 is the owner of both chargers, 4 the treasury.
    function actor(uint256 i) public pure returns (address) {
        return address(uint160(0xac0000 + (i % ACTORS)));
    }

    function deposit(uint256 who, uint256 forWhom, uint256 which, uint96 amount) external {
        TestToken token = TestToken(tokens[which % 2]);
        amount = uint96(bound(amount, 200, 1e24));
        if (!payment.isAllowed(address(token))) payment.setToken(address(token), true);
        // One of the tokens takes its fee of a hundredth beside the amount.
        token.mint(actor(who), uint256(amount) + amount / 100);
        vm.startPrank(actor(who));
        token.approve(address(payment), amount);
        payment.deposit(address(token), amount, actor(forWhom));
        vm.stopPrank();
    }

    function withdraw(uint256 who, uint256 toWhom, uint256 which, uint256 amount) external {
        uint256 free = payment.freeOf(tokens[which % 2], actor(who));
        // A token that takes its fee from the sender needs a hundredth beside the amount.
        uint256 most = free - (free + 100) / 101;
        if (most == 0) return;
        vm.prank(actor(who));
        payment.withdraw(tokens[which % 2], bound(amount, 1, most), actor(toWhom));
    }

    function lock(uint256 who, uint256 where, uint256 which, uint256 amount, uint256 lastsSec) external {
        (address occupant, address token) = (actor(who), tokens[which % 2]);
        uint256 free = payment.freeOf(token, occupant);
        if (free == 0 || !payment.isAllowed(token) || payment.locksPaused()) return;
        Opened memory session = _next(where, lastsSec);
        session.device.lock(session.sessionId, occupant, token, bound(amount, 1, free), session.deadline);
        _opened.push(session);
    }

    function setCardLimit(uint256 which, uint96 perSession, uint96 allowance) external {
        vm.prank(actor(1));
        payment.setCardLimit(CARD, tokens[which % 2], perSession, allowance);
    }

    function lockByCard(uint256 where, uint256 which, uint96 most, uint256 lastsSec) external {
        address token = tokens[which % 2];
        IPaymentDEVSEN.CardLimit memory limit = payment.cardLimitOf(actor(1), CARD, token);
        bool isNothing = most == 0 || limit.mostPerSession == 0 || limit.remaining == 0;
        if (isNothing || payment.freeOf(token, actor(1)) == 0) return;
        if (!payment.isAllowed(token) || payment.locksPaused()) return;
        Opened memory session = _next(where, lastsSec);
        session.device.lockByCard(session.sessionId, CARD, token, most, session.deadline);
        _opened.push(session);
    }

    function settle(uint256 i, uint256 cost, uint256 payee) external {
        (bool isLocked, Opened storage session) = _pick(i);
        if (!isLocked) return;
        session.device.settleTo(session.sessionId, cost, actor(payee));
        session.leftAs = _digest(session);
    }

    function refund(uint256 i) external {
        (bool isLocked, Opened storage session) = _pick(i);
        if (!isLocked) return;
        session.device.refund(session.sessionId);
        session.leftAs = _digest(session);
    }

    function expire(uint256 i) public {
        (bool isLocked, Opened storage session) = _pick(i);
        if (!isLocked || block.timestamp < session.deadline) return;
        vm.prank(actor(i));
        payment.expire(address(session.device), session.sessionId);
        session.leftAs = _digest(session);
    }

    /// @dev Tries every door on a session that has left the lock: all must be shut.
    function tryAgain(uint256 i, uint256 cost) external {
        if (_opened.length == 0) return;
        Opened storage session = _opened[i % _opened.length];
        if (session.leftAs == 0) return;
        try session.device.settle(session.sessionId, cost) {
            ++changedAfterwards;
        } catch {}
        try session.device.refund(session.sessionId) {
            ++changedAfterwards;
        } catch {}
        try payment.expire(address(session.device), session.sessionId) {
            ++changedAfterwards;
        } catch {}
        try session.device.lock(session.sessionId, actor(i), tokens[0], 1, block.timestamp + 1) {
            ++changedAfterwards;
        } catch {}
        if (_digest(session) != session.leftAs) ++changedAfterwards;
    }

    function donate(uint256 which, uint96 amount) external {
        TestToken(tokens[which % 2]).mint(address(payment), amount % 1e24);
    }

    function sweep(uint256 which, uint256 amount) external {
        address token = tokens[which % 2];
        uint256 surplus = TestToken(token).balanceOf(address(payment)) - payment.heldOf(token);
        uint256 most = surplus - (surplus + 100) / 101;
        if (most != 0) payment.sweep(token, bound(amount, 1, most), actor(4));
    }

    function administer(uint256 feeBps, bool paused, uint256 which, bool allowed) external {
        payment.setFee(feeBps % 501, actor(4));
        payment.setLocksPaused(paused);
        payment.setToken(tokens[which % 2], allowed);
    }

    function wait(uint256 forSec) external {
        vm.warp(block.timestamp + (forSec % 2 days));
    }

    /// @dev Everybody goes home: what is locked expires, what is free leaves.
    function empty() external {
        vm.warp(block.timestamp + payment.MAX_LOCK_SEC());
        for (uint256 i = 0; i < _opened.length; ++i) {
            expire(i);
        }
        for (uint256 i = 0; i < 2 * ACTORS; ++i) {
            (address holder, address token) = (actor(i / 2), tokens[i % 2]);
            // With a fee of a hundredth on top a few rounds are needed until nothing is left.
            for (uint256 round = 0; round < 64; ++round) {
                uint256 free = payment.freeOf(token, holder);
                if (free == 0) break;
                vm.prank(holder);
                payment.withdraw(token, free < 100 ? free : free - (free + 100) / 101, holder);
            }
        }
    }

    function openedCount() external view returns (uint256) {
        return _opened.length;
    }

    function freeInAll(address token) external view returns (uint256 sum) {
        for (uint256 i = 0; i < ACTORS; ++i) {
            sum += payment.freeOf(token, actor(i));
        }
    }

    function lockedInAll(address token) external view returns (uint256 sum) {
        for (uint256 i = 0; i < _opened.length; ++i) {
            IPaymentDEVSEN.Session memory session = _sessionOf(_opened[i]);
            if (session.status == IPaymentDEVSEN.Status.Locked && session.token == token) sum += session.amount;
        }
    }

    /// @dev Whether any lock has a deadline further away than it may.
    function hasLockWithoutEnd() external view returns (bool) {
        for (uint256 i = 0; i < _opened.length; ++i) {
            IPaymentDEVSEN.Session memory session = _sessionOf(_opened[i]);
            bool isLocked = session.status == IPaymentDEVSEN.Status.Locked;
            if (isLocked && session.timestamp > block.timestamp + payment.MAX_LOCK_SEC()) return true;
        }
        return false;
    }

    function _next(uint256 where, uint256 lastsSec) private view returns (Opened memory) {
        uint256 deadline = block.timestamp + bound(lastsSec, 1, payment.MAX_LOCK_SEC());
        return Opened(devices[where % 2], bytes32(_opened.length), deadline, 0);
    }

    function _pick(uint256 i) private view returns (bool isLocked, Opened storage session) {
        if (_opened.length == 0) {
            assembly {
                session.slot := 0
            }
            return (false, session);
        }
        session = _opened[i % _opened.length];
        isLocked = session.leftAs == 0;
    }

    function _digest(Opened storage session) private view returns (bytes32) {
        return keccak256(abi.encode(_sessionOf(session)));
    }

    function _sessionOf(Opened memory session) private view returns (IPaymentDEVSEN.Session memory) {
        return payment.sessionOf(payment.keyOf(address(session.device), session.sessionId));
    }
}
