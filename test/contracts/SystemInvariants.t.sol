// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDeviceDEVSEN} from "../../contracts/interfaces/IDeviceDEVSEN.sol";
import {IDeviceSessions} from "../../contracts/interfaces/IDeviceSessions.sol";
import {IPaymentDEVSEN} from "../../contracts/interfaces/IPaymentDEVSEN.sol";
import {IRewardsDEVSEN} from "../../contracts/interfaces/IRewardsDEVSEN.sol";
import {SystemHandler} from "./SystemHandler.sol";

/// @notice What holds of the whole network, whatever anybody does and whatever operators answer.
contract SystemInvariantsTest is SystemHandler {
    /// @dev A wrong sum stays wrong: so looking at every eighth call, and at each run's end, misses nothing.
    uint256 private constant EVERY = 8;

    uint256 private _calls;
    /// @dev What a session's vault entry was when it first was seen to have left the lock.
    mapping(bytes32 sessionId => bytes32) private _leftAs;

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(this);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[] memory selectors = new bytes4[](14);
        selectors[0] = this.startOne.selector;
        selectors[1] = this.askResult.selector;
        selectors[2] = this.stop.selector;
        selectors[3] = this.askStatus.selector;
        // The more often, the more sessions come to an end.
        selectors[4] = this.answerMany.selector;
        selectors[5] = this.answerOne.selector;
        selectors[6] = this.expireRequest.selector;
        selectors[7] = this.close.selector;
        selectors[8] = this.churn.selector;
        selectors[9] = this.administer.selector;
        selectors[10] = this.changeFleet.selector;
        selectors[11] = this.intrude.selector;
        selectors[12] = this.reward.selector;
        selectors[13] = this.wait.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(this), selectors);
    }

    function invariant_everyTokenIsAccountedForAndNothingHappensTwice() external {
        if (++_calls % EVERY == 0) checkAll();
    }

    /// @dev Two sessions of 0.60 + 3.00 + 0.50 + 1.00 = 5.10 each, 1 % of it the fee; the charger was usable for 18 hours of
    /// its day and excused for 3. All of it by what four real `Operator`s answered.
    function test_paysRewardsForWhatTheOraclesAgreedOn() external {
        deposit(driver, 40e18);
        IRewardsDEVSEN.SessionRef[] memory refs = new IRewardsDEVSEN.SessionRef[](2);
        for (uint256 i = 0; i < 2; ++i) {
            vm.prank(driver);
            bytes32 sessionId = device.startCharge(1, DEPOSIT, 2, driver);
            agree(sessionId, abi.encode(started()));
            passHour();
            tell(sessionId, hour());
            refs[i] = IRewardsDEVSEN.SessionRef(address(device), sessionId);
        }
        assertEq(payment.freeOf(address(token), treasury), 0.102e18, "fees");
        vm.warp(rewards.startOf(1));
        assertEq(rewards.count(refs), 2, "counted");
        vm.prank(other);
        agree(rewards.requestUptime(0, address(device)), abi.encode(18 hours, 3 hours));
        assertEq(rewards.uptimeOf(0, address(device)).usableSec, 18 hours, "usable");

        vm.warp(rewards.startOf(2));
        address[] memory chargers = new address[](1);
        chargers[0] = address(device);
        // 30 % of the fees, times (18 + 3) / 24.
        assertEq(rewards.claimUptime(0, chargers, manager), 0.026775e18, "uptime");
        // 30 % of the fees of all sessions but one.
        assertEq(rewards.claimOccupant(0, driver), 0.0153e18, "occupant");
        assertEq(token.balanceOf(manager), 0.026775e18, "manager");
        vm.expectRevert(
            abi.encodeWithSelector(
                IRewardsDEVSEN.NothingToClaim.selector,
                IRewardsDEVSEN.Pot.Builders,
                uint48(0),
                manager
            )
        );
        rewards.claimBuilder(0, manager);
    }

    /// @dev At the end of each run one call for each lock and each request, by anyone, and all tokens find their way out.
    function afterInvariant() external {
        checkAll();
        vm.warp(block.timestamp + devices[0].SESSION_SEC());
        for (uint256 i = 0; i < sessions.length; ++i) {
            Opened memory one = sessions[i];
            if (escrowOf(one).status == IPaymentDEVSEN.Status.Locked) one.device.expireSession(one.sessionId);
        }
        for (uint256 i = 0; i < asked.length; ++i) expireAt(i);
        checkAll();
        address[6] memory holders = [driver, manager, heir, treasury, other, asker];
        for (uint256 i = 0; i < 6; ++i) {
            vm.startPrank(holders[i]);
            for (uint256 k = 0; k < 2; ++k) {
                address in_ = k == 0 ? address(token) : address(cents);
                uint256 free = payment.freeOf(in_, holders[i]);
                if (free != 0) payment.withdraw(in_, free, holders[i]);
            }
            oracle.withdraw(holders[i], oracle.accountJuels(holders[i]));
            vm.stopPrank();
        }
        assertEq(token.balanceOf(address(payment)) + cents.balanceOf(address(payment)), 0, "left in the vault");
        assertEq(payment.heldOf(address(token)) + payment.heldOf(address(cents)), 0, "held");
        assertEq(link.balanceOf(address(oracle)), 0, "left in the ledger");
    }

    function checkAll() private {
        assertEq(intrusions, 0, "intrusions");
        checkTokens(address(token));
        checkTokens(address(cents));
        checkLink();
        for (uint256 i = 0; i < sessions.length; ++i) checkSession(sessions[i]);
        for (uint256 i = 0; i < devices.length; ++i) checkStatuses(devices[i]);
        checkRewards();
    }

    function checkTokens(address in_) private view {
        uint256 locked = 0;
        for (uint256 i = 0; i < sessions.length; ++i) {
            IPaymentDEVSEN.Session memory escrow = escrowOf(sessions[i]);
            if (escrow.status == IPaymentDEVSEN.Status.Locked && escrow.token == in_) locked += escrow.amount;
        }
        address[5] memory holders = [driver, manager, heir, treasury, other];
        uint256 free = 0;
        for (uint256 i = 0; i < 5; ++i) free += payment.freeOf(in_, holders[i]);
        assertEq(payment.heldOf(in_), free + locked, "held = free + locked");
        assertEq(token.balanceOf(address(payment)), payment.heldOf(address(token)), "balance");
    }

    /// @dev The ledger holds what its accounts say; the rest of what requests cost lies at the operators, who have answered
    /// for it or can be made to give it back.
    function checkLink() private view {
        address[6] memory holders = [driver, manager, heir, treasury, other, asker];
        uint256 owed = 0;
        for (uint256 i = 0; i < 6; ++i) owed += oracle.accountJuels(holders[i]);
        assertEq(link.balanceOf(address(oracle)), owed, "accounts");
        uint256[OPERATORS] memory open;
        for (uint256 i = 0; i < asked.length; ++i) {
            uint256 answered = oracle.requestOf(asked[i].requestId).answered;
            for (uint256 place = 0; place < asked[i].operators.length; ++place) {
                if ((answered >> place) & 1 == 0) open[asked[i].operators[place]] += FEE_JUELS;
            }
        }
        for (uint256 i = 0; i < OPERATORS; ++i) assertLe(open[i], link.balanceOf(oracles[i]), "open requests");
    }

    /// @dev Charger and vault say the same, nothing moves twice, and a lock ends in time.
    function checkSession(Opened memory one) private {
        IPaymentDEVSEN.Session memory escrow = escrowOf(one);
        IDeviceSessions.SessionState state = stateOf(one);
        if (escrow.status == IPaymentDEVSEN.Status.Locked) {
            bool isOpen =
                state == IDeviceSessions.SessionState.Requested ||
                    state == IDeviceSessions.SessionState.Active ||
                    state == IDeviceSessions.SessionState.Ended ||
                    state == IDeviceSessions.SessionState.Suspect;
            assertTrue(isOpen, "a lock belongs to an open session");
            assertLe(escrow.timestamp, block.timestamp + one.device.SESSION_SEC(), "deadline");
            return;
        }
        if (escrow.status == IPaymentDEVSEN.Status.None) return;
        bool isPaid = escrow.status == IPaymentDEVSEN.Status.Settled;
        assertTrue(!isPaid || state == IDeviceSessions.SessionState.Settled, "paid for settled sessions only");
        bytes32 digest = keccak256(abi.encode(escrow));
        if (_leftAs[one.sessionId] == 0) _leftAs[one.sessionId] = digest;
        assertEq(_leftAs[one.sessionId], digest, "left the lock once");
    }

    function checkStatuses(IDeviceDEVSEN at) private view {
        for (uint16 connector = 0; connector < 3; ++connector) {
            IDeviceDEVSEN.AgreedStatus memory status = at.statusOf(connector);
            bytes32 said = keccak256(abi.encode(at, connector, status));
            assertTrue(status.askedAt == 0 || backed[said], "a status that f + 1 stood by");
        }
    }

    function checkRewards() private view {
        assertLe(rewards.reserve(), token.balanceOf(address(rewards)), "reserve");
        uint48 epochs = rewards.currentEpoch();
        for (uint48 epoch = epochs < 3 ? 0 : epochs - 3; epoch <= epochs; ++epoch) {
            for (uint8 i = 0; i < 3; ++i) {
                IRewardsDEVSEN.Pot pot = IRewardsDEVSEN.Pot(i);
                assertLe(rewards.grantedOf(pot, epoch) * 10, rewards.weightOf(pot, epoch) * 3, "granted");
            }
        }
    }
}
