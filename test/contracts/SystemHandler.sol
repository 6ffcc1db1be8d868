// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IDeviceDEVSEN} from "../../contracts/interfaces/IDeviceDEVSEN.sol";
import {IDeviceSessions} from "../../contracts/interfaces/IDeviceSessions.sol";
import {IPaymentDEVSEN} from "../../contracts/interfaces/IPaymentDEVSEN.sol";
import {IRewardsDEVSEN} from "../../contracts/interfaces/IRewardsDEVSEN.sol";
import {SystemWorld} from "./SystemWorld.sol";
import {TestToken} from "./support/TestTokens.sol";

/// @title What anybody may do to the network, at random
/// @dev Every call here is one that should succeed; what should fail is tested by itself, or tried in `intrude`.
abstract contract SystemHandler is SystemWorld {
    /// @dev How often somebody did what nobody may.
    uint256 internal intrusions;
    mapping(bytes32 sessionId => bool) private _isOpened;

    function startOne(uint256 where, uint256 connector, uint256 amount) external {
        IDeviceDEVSEN at = devices[where % devices.length];
        uint16 place = uint16(1 + (connector % 2));
        (uint256 tariffId, ) = at.tariffNow();
        bool isFree = at.occupantOf(place) == address(0) && !at.isRetired();
        if (!isFree || payment.locksPaused() || !users.hasRole(driver, users.OCCUPANT())) return;
        TestToken in_ = tokenOf(at);
        uint256 unit = 10 ** in_.decimals();
        if (payment.freeOf(address(in_), driver) < 100 * unit) pay(in_, 1_000 * unit);
        uint256 least = Math.max(at.depositFor(place, at.PHANTOM_WH()), 1);
        vm.prank(driver);
        bytes32 sessionId = at.startCharge(place, uint96(bound(amount, least, 100 * unit)), tariffId, driver);
        keep(Kind.Start, at, place, sessionId);
        open(at, sessionId);
    }

    /// @dev Asks about a session, or about one that a card may have opened.
    function askResult(uint256 which, bool byCard) external {
        Opened memory one;
        if (byCard || sessions.length == 0) {
            one = Opened(devices[which % devices.length], keccak256(abi.encode("card", which % 4)));
            one.sessionId = keccak256(abi.encode(one.device, one.sessionId));
            open(one.device, one.sessionId);
        } else one = sessions[which % sessions.length];
        vm.prank(other);
        bytes32 requestId = one.device.requestSessionResult(one.sessionId, other);
        isCardRequest[requestId] = byCard;
        keep(Kind.Result, one.device, 0, requestId);
    }

    function stop(uint256 which) external {
        if (sessions.length == 0) return;
        Opened memory one = sessions[which % sessions.length];
        if (stateOf(one) != IDeviceSessions.SessionState.Active) return;
        address who = which & 1 == 0 ? one.device.sessionOf(one.sessionId).occupant : one.device.manager();
        if (who == heir) return;
        vm.prank(who);
        keep(Kind.Result, one.device, 0, one.device.stopCharge(one.sessionId, who));
    }

    function askStatus(uint256 where, uint256 connector) external {
        IDeviceDEVSEN at = devices[where % devices.length];
        fund(asker, 1e18);
        vm.prank(asker);
        keep(Kind.Status, at, uint16(connector % 3), at.requestStatus(uint16(connector % 3)));
    }

    /// @dev Most operators say one thing, some lie and some are silent; so many that it may come to no agreement.
    function answerMany(uint256 which, uint256 truth, uint256 liars, uint256 silent) external {
        if (asked.length == 0) return;
        Asked storage one = asked[asked.length - 1 - (which % Math.min(asked.length, 6))];
        uint256 size = one.operators.length;
        (liars, silent) = (liars % (one.faults + 2), silent % (one.faults + 2));
        for (uint256 place = 0; place < size - silent; ++place) {
            give(one, place, answerTo(one, place < liars ? (truth % 1_000) + 1 + place : truth % 1_000));
        }
    }

    function answerOne(uint256 which, uint256 who, uint256 seed) external {
        if (asked.length == 0) return;
        Asked storage one = asked[which % asked.length];
        give(one, who % one.operators.length, answerTo(one, seed % 4));
    }

    function expireRequest(uint256 which) external {
        if (asked.length == 0) return;
        expireAt(which % asked.length);
    }

    function close(uint256 which, uint256 way) external {
        if (sessions.length == 0) return;
        Opened memory one = sessions[which % sessions.length];
        IPaymentDEVSEN.Session memory escrow = escrowOf(one);
        if (escrow.status != IPaymentDEVSEN.Status.Locked) return;
        IDeviceSessions.SessionState state = stateOf(one);
        if (way % 4 == 0 && state == IDeviceSessions.SessionState.Suspect) {
            vm.prank(driver);
            one.device.acceptSuspect(one.sessionId);
        } else if (way % 4 == 1 && state == IDeviceSessions.SessionState.Ended) {
            one.device.settleSession(one.sessionId);
        } else if (way % 4 == 2) {
            vm.prank(one.device.manager());
            one.device.waiveSession(one.sessionId);
        } else if (way % 4 == 3 && block.timestamp >= escrow.timestamp) {
            // Whoever is first: past the charger's contract, or through it.
            if (way & 4 == 0) payment.expire(address(one.device), one.sessionId);
            else one.device.expireSession(one.sessionId);
        }
    }

    function churn(uint256 first, uint256 size) external {
        useOperators(first % OPERATORS, 4 + (size % 4));
    }

    function administer(uint256 where, uint256 perKwh, uint256 feeBps, uint256 what) external {
        payment.setFee(feeBps % 501, treasury);
        if (what % 8 < 2) payment.setLocksPaused(what % 2 == 0);
        if (what % 8 == 2) users.setUser(driver, users.OCCUPANT(), 0, what & 8 == 0);
        if (what % 8 == 3) users.setIdTag(CARD, what & 8 == 0 ? driver : address(0));
        IDeviceDEVSEN at = devices[where % devices.length];
        TestToken in_ = tokenOf(at);
        if (what % 8 == 4) price(at, address(in_), bound(perKwh, 0, 10 ** in_.decimals()));
    }

    function changeFleet(uint256 where, uint256 what) external {
        if (what % 3 == 0 && devices.length < 6) return makeDevice();
        IDeviceDEVSEN at = devices[where % devices.length];
        vm.startPrank(at.manager());
        if (what % 3 == 1) factory.transferDevice(address(at), at.manager() == manager ? heir : manager);
        if (what % 3 == 2 && where % devices.length > 2 && !at.isRetired()) factory.retireDevice(address(at));
        vm.stopPrank();
    }

    /// @dev Tries what nobody may: a clone that the factory did not make, and a stranger, at locks and settlements.
    function intrude(uint256 which) external {
        address fake = Clones.clone(factory.implementation());
        bytes32 sessionId = sessions.length == 0 ? bytes32(which) : sessions[which % sessions.length].sessionId;
        address[3] memory intruders = [fake, other, address(oracle)];
        bytes[4] memory calls = [
            abi.encodeCall(payment.lock, (sessionId, driver, address(token), 1, block.timestamp + 1)),
            abi.encodeCall(payment.lockByCard, (sessionId, CARD, address(token), 1, block.timestamp + 1)),
            abi.encodeCall(payment.settle, (sessionId, 1, other)),
            abi.encodeCall(payment.refund, (sessionId))
        ];
        for (uint256 i = 0; i < 12; ++i) {
            vm.prank(intruders[i % 3]);
            (bool success, ) = address(payment).call(calls[i / 3]);
            if (success) ++intrusions;
        }
        vm.prank(other);
        (bool isDouble, ) = address(factory).call(abi.encodeCall(factory.createDevice, (newDevice("CP-1"))));
        if (isDouble) ++intrusions;
    }

    function reward(uint256 which, uint256 where, uint256 what) external {
        uint48 epoch = rewards.currentEpoch();
        address at = address(devices[where % devices.length]);
        if (what % 3 == 0 && sessions.length != 0) {
            Opened memory one = sessions[which % sessions.length];
            IRewardsDEVSEN.SessionRef[] memory refs = new IRewardsDEVSEN.SessionRef[](1);
            refs[0] = IRewardsDEVSEN.SessionRef(address(one.device), one.sessionId);
            rewards.count(refs);
        }
        if (what % 3 == 1 && epoch != 0 && !rewards.uptimeOf(epoch - 1, at).known) {
            vm.prank(other);
            keep(Kind.Uptime, IDeviceDEVSEN(at), 0, rewards.requestUptime(epoch - 1, at));
        }
        if (what % 3 == 2 && epoch > 1) claim(uint48(which % (epoch - 1)), at);
    }

    function wait(uint256 forSec) external {
        vm.warp(block.timestamp + (forSec % 1 days));
    }

    function expireAt(uint256 i) internal {
        bytes32 requestId = asked[i].requestId;
        if (oracle.requestOf(requestId).answered == (1 << asked[i].operators.length) - 1) return;
        uint256 expiresAt = oracle.requestOf(requestId).askedAt + oracle.DEADLINE_SEC();
        if (block.timestamp < expiresAt) vm.warp(expiresAt);
        oracle.expire(requestId);
    }

    function open(IDeviceDEVSEN at, bytes32 sessionId) private {
        if (_isOpened[sessionId]) return;
        _isOpened[sessionId] = true;
        sessions.push(Opened(at, sessionId));
    }

    /// @dev Nothing but that there is nothing may stop a claim.
    function claim(uint48 epoch, address at) private {
        address[] memory one = new address[](1);
        one[0] = at;
        bytes[3] memory calls = [
            abi.encodeCall(rewards.claimUptime, (epoch, one, manager)),
            abi.encodeCall(rewards.claimOccupant, (epoch, driver)),
            abi.encodeCall(rewards.claimBuilder, (epoch, manager))
        ];
        for (uint256 i = 0; i < 3; ++i) {
            (bool success, bytes memory why) = address(rewards).call(calls[i]);
            assertTrue(success || bytes4(why) == IRewardsDEVSEN.NothingToClaim.selector, "claim");
        }
    }

    function pay(TestToken in_, uint256 amount) private {
        in_.mint(driver, amount);
        vm.startPrank(driver);
        in_.approve(address(payment), amount);
        payment.deposit(address(in_), amount, driver);
        vm.stopPrank();
    }

    function tokenOf(IDeviceDEVSEN at) private view returns (TestToken) {
        return address(at) == address(devices[1]) ? cents : TestToken(address(token));
    }
}
