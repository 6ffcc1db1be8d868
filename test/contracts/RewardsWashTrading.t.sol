// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRewardsDEVSEN} from "../../contracts/interfaces/IRewardsDEVSEN.sol";
import {RewardsBase} from "./RewardsBase.sol";
import {TestDevice} from "./support/TestDevice.sol";

/// @notice Charging at the own charger for the rewards loses tokens: in all, and with every further session.
contract RewardsWashTradingTest is RewardsBase {
    /// @dev One session: who charges where, and the fee it pays.
    struct Plan {
        uint8 occupant;
        uint8 device;
        uint96 fee;
    }

    /// @dev Accounts and chargers 0 and 1 are the ring's, 2 and 3 are honest. Each is both an occupant and an owner.
    uint256 private constant PARTIES = 4;
    uint256 private constant RING = 2;
    /// @dev Two accounts with three pots: each claim may be rounded down by less than one base unit.
    uint256 private constant ROUNDING = 2 * RING * 3;

    address[PARTIES] private _parties;
    TestDevice[PARTIES] private _devices;

    function setUp() public override {
        super.setUp();
        for (uint256 i = 0; i < PARTIES; ++i) {
            _parties[i] = account(string.concat("party ", _digit(i)));
            users.setUser(_parties[i], users.MANAGER(), 0, false);
            _devices[i] = makeDevice(_parties[i], string.concat("WASH-", _digit(i)));
        }
    }

    /// @dev A ring of two chargers and one driver, alone in the network, always up: the best it can do.
    function test_LosesATenthOfTheFeesInTheBestCase() external {
        rewards = makeRewards([type(uint208).max, type(uint208).max, type(uint208).max]);
        uint256 paidInFees;
        for (uint256 i = 0; i < 100; ++i) {
            chargeAndCount(_parties[0], _devices[i % 2], _parties[1], 1_000);
            paidInFees += 1_000;
        }
        uint256 earned = _claimAll();
        // 30 % for uptime; 30 % of all but one session; 30 % of all but one of two chargers.
        assertEq(earned, 30_000 + 29_700 + 15_000, "earned");
        assertLe(earned, (paidInFees * 9) / 10, "less than was paid");
    }

    /// @dev Whatever else goes on in the network, and however large the budgets are.
    function testFuzz_EarnsLessThanItPays(Plan[10] calldata plans, uint208[3] calldata budgets) external {
        rewards = makeRewards(budgets);
        uint256 feesOfRing;
        for (uint256 i = 0; i < plans.length; ++i) {
            bool isRing = i < 6;
            feesOfRing += _play(plans[i], isRing) * (isRing ? 1 : 0);
        }
        assertLe(_claimAll(), (feesOfRing * 9) / 10, "earned");
    }

    /// @dev To whatever the ring really charged already, faked sessions add less in rewards than they cost in fees.
    function testFuzz_EarnsLessWithEachFakedSession(
        Plan[6] calldata real,
        Plan[4] calldata faked,
        uint208[3] calldata budgets
    ) external {
        rewards = makeRewards(budgets);
        for (uint256 i = 0; i < real.length; ++i) {
            _play(real[i], i < 4);
        }
        uint256 before = vm.snapshotState();
        uint256 earnedWithout = _claimAll();
        vm.revertToState(before);

        uint256 feesOfFaked;
        for (uint256 i = 0; i < faked.length; ++i) {
            feesOfFaked += _play(faked[i], true);
        }
        assertLe(_claimAll(), earnedWithout + (feesOfFaked * 9) / 10 + ROUNDING, "earned with faked sessions");
    }

    /// @dev Parts of a session earn no more than the whole, beyond what "the dearest" leaves out.
    function testFuzz_EarnsNoMoreThanTheCapHoweverSplit(uint96 fee, uint8 parts) external {
        rewards = makeRewards([type(uint208).max, type(uint208).max, type(uint208).max]);
        uint256 each = bound(fee, 1, 1e22);
        uint256 n = bound(parts, 1, 12);
        for (uint256 i = 0; i < n; ++i) {
            chargeAndCount(_parties[i % RING], _devices[(i / 2) % RING], _parties[i % RING], each);
        }
        assertLe(_claimAll(), (each * n * 9) / 10, "earned");
    }

    function _play(Plan calldata plan, bool isRing) private returns (uint256 fee) {
        uint256 first = isRing ? 0 : RING;
        fee = bound(plan.fee, 1, 1e22);
        address occupant = _parties[first + (plan.occupant % RING)];
        uint256 i = first + (plan.device % RING);
        chargeAndCount(occupant, _devices[i], _parties[i], fee);
    }

    /// @dev Everybody claims everything, with all chargers up all the time. What the ring gets is told.
    function _claimAll() private returns (uint256 ofRing) {
        toEpoch(1);
        for (uint256 i = 0; i < PARTIES; ++i) {
            agreeOnUptime(0, _devices[i], WEEK, 0);
        }
        toEpoch(2);
        address[] memory devices = new address[](PARTIES);
        for (uint256 i = 0; i < PARTIES; ++i) {
            devices[i] = address(_devices[i]);
        }
        for (uint256 i = 0; i < PARTIES; ++i) {
            uint256 before = network.balanceOf(_parties[i]);
            try rewards.claimUptime(0, devices, _parties[i]) {} catch {}
            try rewards.claimOccupant(0, _parties[i]) {} catch {}
            try rewards.claimBuilder(0, _parties[i]) {} catch {}
            if (i < RING) ofRing += network.balanceOf(_parties[i]) - before;
        }
    }

    function _digit(uint256 i) private pure returns (string memory) {
        return string(abi.encodePacked(bytes1(uint8(48 + i))));
    }
}
