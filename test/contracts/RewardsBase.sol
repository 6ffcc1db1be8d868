// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRewardsDEVSEN} from "../../contracts/interfaces/IRewardsDEVSEN.sol";
import {RewardsDEVSEN} from "../../contracts/RewardsDEVSEN.sol";
import {TokenDEVSEN} from "../../contracts/TokenDEVSEN.sol";
import {PaymentBase} from "./PaymentBase.sol";
import {TestDevice} from "./support/TestDevice.sol";
import {TestOracle} from "./support/TestOracle.sol";

/// @notice Rewards over the real vault, token, users and factory; sessions pay a fee of 5 % in the network's token.
abstract contract RewardsBase is PaymentBase {
    uint256 internal constant WEEK = 7 days;
    uint256 internal constant CAP = 1e27;

    TokenDEVSEN internal network;
    TestOracle internal oracle;
    RewardsDEVSEN internal rewards;
    uint256 private _sessions = 1000;

    function setUp() public virtual override {
        super.setUp();
        network = TokenDEVSEN(deploy("TokenDEVSEN.sol:TokenDEVSEN", abi.encode(admin, admin, CAP)));
        payment.setToken(address(network), true);
        payment.setFee(500, treasury);
        oracle = new TestOracle();
        rewards = makeRewards([uint208(1e24), 1e24, 1e24]);
    }

    function makeRewards(uint208[3] memory budgets) internal returns (RewardsDEVSEN made) {
        bytes memory args = abi.encode(payment, oracle, network, WEEK, budgets);
        made = RewardsDEVSEN(deploy("RewardsDEVSEN.sol:RewardsDEVSEN", args));
        network.grantRole(network.MINTER_ROLE(), address(made));
    }

    /// @dev A whole session that costs 20 times the fee.
    function charge(
        address occupant,
        TestDevice charger,
        address payee,
        uint256 fee
    ) internal returns (IRewardsDEVSEN.SessionRef memory ref) {
        uint256 cost = fee * 20;
        ref = IRewardsDEVSEN.SessionRef(address(charger), bytes32(++_sessions));
        network.mint(occupant, cost);
        vm.startPrank(occupant);
        network.approve(address(payment), cost);
        payment.deposit(address(network), cost, occupant);
        vm.stopPrank();
        charger.lock(ref.sessionId, occupant, address(network), cost, block.timestamp + 1);
        charger.settleTo(ref.sessionId, cost, payee);
    }

    function count(IRewardsDEVSEN.SessionRef memory ref) internal returns (uint256) {
        IRewardsDEVSEN.SessionRef[] memory refs = new IRewardsDEVSEN.SessionRef[](1);
        refs[0] = ref;
        return rewards.count(refs);
    }

    function chargeAndCount(address occupant, TestDevice charger, address payee, uint256 fee) internal {
        assertEq(count(charge(occupant, charger, payee, fee)), 1, "counted");
    }

    /// @dev Asks for a charger's uptime in an epoch, and has the oracles agree.
    function agreeOnUptime(uint48 epoch, TestDevice charger, uint256 usableSec, uint256 excludedSec) internal {
        oracle.agree(rewards.requestUptime(epoch, address(charger)), usableSec, excludedSec);
    }

    function claimUptime(uint48 epoch, TestDevice charger, address earner) internal returns (uint256) {
        address[] memory devices = new address[](1);
        devices[0] = address(charger);
        return rewards.claimUptime(epoch, devices, earner);
    }

    function toEpoch(uint48 epoch) internal {
        vm.warp(rewards.startOf(epoch));
    }
}
