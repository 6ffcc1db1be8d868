// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPaymentDEVSEN} from "../../contracts/interfaces/IPaymentDEVSEN.sol";
import {IRewardsDEVSEN} from "../../contracts/interfaces/IRewardsDEVSEN.sol";
import {PaymentDEVSEN} from "../../contracts/PaymentDEVSEN.sol";
import {RewardsDEVSEN} from "../../contracts/RewardsDEVSEN.sol";
import {TokenDEVSEN} from "../../contracts/TokenDEVSEN.sol";
import {Test} from "./support/Test.sol";
import {TestDevice} from "./support/TestDevice.sol";
import {TestOracle} from "./support/TestOracle.sol";

/// @notice Charges, counts and claims at random, and keeps its own books. It is the admin, and a minter.
contract RewardsHandler is Test {
    uint256 public constant ACTORS = 4;
    uint48 public constant EPOCHS = 4;

    PaymentDEVSEN public immutable payment;
    RewardsDEVSEN public immutable rewards;
    TokenDEVSEN public immutable network;
    TestOracle private immutable _oracle;
    TestDevice[3] public devices;
    IRewardsDEVSEN.SessionRef[] private _refs;

    uint256 public countedFees;
    uint256 public claimed;
    uint256 public funded;

    constructor(
        PaymentDEVSEN payment_,
        RewardsDEVSEN rewards_,
        TokenDEVSEN network_,
        TestOracle oracle_,
        TestDevice[3] memory devices_
    ) {
        (payment, rewards, network, _oracle, devices) = (payment_, rewards_, network_, oracle_, devices_);
    }

    function actor(uint256 i) public pure returns (address) {
        return address(uint160(0xac0000 + (i % ACTORS)));
    }

    function charge(uint256 who, uint256 where, uint256 payee, uint256 cost) external {
        cost = bound(cost, 1, 1e24);
        IRewardsDEVSEN.SessionRef memory ref = IRewardsDEVSEN.SessionRef(
            address(devices[where % 3]),
            bytes32(_refs.length)
        );
        network.mint(actor(who), cost);
        vm.startPrank(actor(who));
        network.approve(address(payment), cost);
        payment.deposit(address(network), cost, actor(who));
        vm.stopPrank();
        TestDevice(ref.device).lock(ref.sessionId, actor(who), address(network), cost, block.timestamp + 1);
        TestDevice(ref.device).settleTo(ref.sessionId, cost, actor(payee));
        _refs.push(ref);
    }

    function count(uint256 from, uint256 length) external {
        if (_refs.length == 0) return;
        IRewardsDEVSEN.SessionRef[] memory refs = new IRewardsDEVSEN.SessionRef[](length % 4);
        uint256 fees;
        for (uint256 i = 0; i < refs.length; ++i) {
            refs[i] = _refs[((from % _refs.length) + i) % _refs.length];
            fees += _feeIfNew(refs, i);
        }
        rewards.count(refs);
        countedFees += fees;
    }

    function agreeOnUptime(uint48 epoch, uint256 where, uint256 usableSec, uint256 excludedSec) external {
        epoch %= EPOCHS;
        address device = address(devices[where % 3]);
        uint256 length = rewards.epochSec();
        if (block.timestamp < rewards.startOf(epoch + 1) || rewards.uptimeOf(epoch, device).known) return;
        bytes32 requestId = rewards.requestUptime(epoch, device);
        _oracle.agree(requestId, bound(usableSec, 0, length), bound(excludedSec, 0, length));
    }

    function claim(uint48 epoch, uint256 who) external {
        epoch %= EPOCHS;
        if (block.timestamp < rewards.startOf(epoch + 2)) return;
        uint256 before = network.balanceOf(actor(who));
        address[] memory all = new address[](3);
        (all[0], all[1], all[2]) = (address(devices[0]), address(devices[1]), address(devices[2]));
        _claim(abi.encodeCall(rewards.claimUptime, (epoch, all, actor(who))));
        _claim(abi.encodeCall(rewards.claimOccupant, (epoch, actor(who))));
        _claim(abi.encodeCall(rewards.claimBuilder, (epoch, actor(who))));
        claimed += network.balanceOf(actor(who)) - before;
    }

    function setBudget(uint8 pot, uint96 amount) external {
        rewards.setBudget(IRewardsDEVSEN.Pot(pot % 3), amount);
    }

    function fund(uint96 amount) external {
        amount %= 1e22;
        network.mint(address(this), amount);
        network.approve(address(rewards), amount);
        rewards.fund(amount);
        funded += amount;
    }

    function setFee(uint256 feeBps) external {
        payment.setFee(feeBps % 501, actor(0));
    }

    function wait(uint256 forSec) external {
        vm.warp(block.timestamp + (forSec % rewards.epochSec()));
    }

    /// @dev Sum of what the pots of all epochs granted, in each pot at most its budget and 30 % of its weights.
    function grantedInAll() external view returns (uint256 sum, bool isBounded) {
        isBounded = true;
        for (uint48 epoch = 0; epoch < EPOCHS; ++epoch) {
            for (uint8 i = 0; i < 3; ++i) {
                IRewardsDEVSEN.Pot pot = IRewardsDEVSEN.Pot(i);
                uint256 granted = rewards.grantedOf(pot, epoch);
                sum += granted;
                bool isLess = granted <= rewards.budgetOf(pot, epoch);
                isBounded = isBounded && isLess && granted * 10 <= rewards.weightOf(pot, epoch) * 3;
            }
        }
    }

    /// @dev Only "nothing to claim" may stop a claim: never a lack of tokens.
    function _claim(bytes memory call) private {
        (bool success, bytes memory reason) = address(rewards).call(call);
        bool isNothing = bytes4(reason) == IRewardsDEVSEN.NothingToClaim.selector;
        assertTrue(success || isNothing, "claim");
    }

    function _feeIfNew(IRewardsDEVSEN.SessionRef[] memory refs, uint256 i) private view returns (uint256) {
        bytes32 key = payment.keyOf(refs[i].device, refs[i].sessionId);
        if (rewards.isCounted(key)) return 0;
        for (uint256 j = 0; j < i; ++j) {
            if (refs[j].sessionId == refs[i].sessionId) return 0;
        }
        IPaymentDEVSEN.Session memory session = payment.sessionOf(key);
        uint48 epoch = uint48((session.timestamp - rewards.genesis()) / rewards.epochSec());
        return rewards.currentEpoch() <= epoch + 1 ? session.fee : 0;
    }
}
