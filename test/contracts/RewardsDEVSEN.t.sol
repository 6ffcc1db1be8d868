// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IOracleConsumer} from "../../contracts/interfaces/IOracleConsumer.sol";
import {IOracleDEVSEN} from "../../contracts/interfaces/IOracleDEVSEN.sol";
import {IRewardsDEVSEN} from "../../contracts/interfaces/IRewardsDEVSEN.sol";
import {RewardsDEVSEN} from "../../contracts/RewardsDEVSEN.sol";
import {TokenDEVSEN} from "../../contracts/TokenDEVSEN.sol";
import {RewardsBase} from "./RewardsBase.sol";
import {TestDevice} from "./support/TestDevice.sol";

/// @notice Who earns what in an epoch.
contract RewardsDEVSENTest is RewardsBase {
    TestDevice private _second;

    function setUp() public override {
        super.setUp();
        _second = makeDevice(owner, "CP-2");
    }

    function test_PaysEachPotByWhatItsEarnersBroughtIn() external {
        _week();
        toEpoch(1);
        agreeOnUptime(0, device, 6 days, 12 hours);
        agreeOnUptime(0, _second, 7 days, 0);
        toEpoch(2);

        // 30 % of 1,000 in fees are 300: 800 ‰ of it × 6.5 days of 7, and 200 ‰ whole.
        assertEq(claimUptime(0, device, owner), 222, "uptime of the first: 240 x 6.5 / 7 = 222.86");
        assertEq(claimUptime(0, _second, owner), 60, "uptime of the second");
        assertEq(rewards.reserve(), 18, "what the first did not earn");
        // The driver's fees but for the dearest session: 500; the other's single session: nothing.
        assertEq(rewards.claimOccupant(0, driver), 150, "occupant: 30 % of 500");
        // The owner's fees but for the busiest charger: 200.
        assertEq(rewards.claimBuilder(0, owner), 60, "builder: 30 % of 200");
        assertEq(network.balanceOf(owner), 222 + 60 + 60, "owner");
        assertEq(network.balanceOf(driver), 150, "driver");
    }

    function test_SharesOutABudgetThatIsSmaller() external {
        rewards = makeRewards([uint208(100), 50, 20]);
        address second = account("second driver");
        _week();
        chargeAndCount(second, device, owner, 400);
        chargeAndCount(second, device, owner, 100);
        toEpoch(1);
        agreeOnUptime(0, device, 7 days, 0);
        toEpoch(2);

        // Fees 1,500 in all: 1,300 at the first charger. Occupants: 500 and 100. Builders: 200.
        assertEq(claimUptime(0, device, owner), 86, "uptime: 100 x 1,300 / 1,500");
        assertEq(rewards.claimOccupant(0, driver), 41, "occupant: 50 x 500 / 600");
        assertEq(rewards.claimOccupant(0, second), 8, "second occupant: 50 x 100 / 600");
        assertEq(rewards.claimBuilder(0, owner), 20, "builder: all of 20");
        assertEq(rewards.grantedOf(IRewardsDEVSEN.Pot.Uptime, 0), 100, "granted for uptime");
        assertEq(rewards.grantedOf(IRewardsDEVSEN.Pot.Occupants, 0), 50, "granted for occupants");
        assertEq(rewards.grantedOf(IRewardsDEVSEN.Pot.Builders, 0), 20, "granted for builders");
    }

    function test_TellsWhatASessionCountsFor() external {
        IRewardsDEVSEN.SessionRef memory ref = charge(driver, device, owner, 500);
        bytes32 key = payment.keyOf(ref.device, ref.sessionId);
        assertTrue(!rewards.isCounted(key), "before");
        vm.expectEmit(address(rewards));
        emit IRewardsDEVSEN.Counted(0, driver, owner, address(device), key, 500);
        count(ref);

        assertTrue(rewards.isCounted(key), "after");
        chargeAndCount(driver, _second, owner, 200);
        IRewardsDEVSEN.Fees memory ofDriver = rewards.occupantFees(0, driver);
        IRewardsDEVSEN.Fees memory ofOwner = rewards.ownerFees(0, owner);
        assertEq(ofDriver.fees, 700, "driver's fees");
        assertEq(ofDriver.largest, 500, "dearest session");
        assertEq(ofOwner.fees, 700, "owner's fees");
        assertEq(ofOwner.largest, 500, "busiest charger");
        assertEq(rewards.deviceFees(0, address(_second), owner), 200, "fees at the second charger");
        assertEq(rewards.weightOf(IRewardsDEVSEN.Pot.Uptime, 0), 700, "all fees");
        assertEq(rewards.weightOf(IRewardsDEVSEN.Pot.Occupants, 0), 200, "occupants");
        assertEq(rewards.weightOf(IRewardsDEVSEN.Pot.Builders, 0), 200, "builders");
    }

    function test_PassesOverWhatDoesNotCount() external {
        IRewardsDEVSEN.SessionRef memory good = charge(driver, device, owner, 500);
        fund(address(token), driver, 10_000);
        IRewardsDEVSEN.SessionRef[] memory refs = new IRewardsDEVSEN.SessionRef[](6);
        refs[0] = good;
        refs[1] = good;
        refs[2] = _open(1, address(token), 10_000);
        device.settle(bytes32(uint256(1)), 10_000);
        network.mint(driver, 119);
        fundNetwork(119);
        refs[3] = _open(2, address(network), 19);
        device.settle(bytes32(uint256(2)), 19);
        refs[4] = _open(3, address(network), 100);
        refs[5] = IRewardsDEVSEN.SessionRef(address(device), keccak256("never"));
        // Counted twice, another token, no fee, still locked, unknown.
        assertEq(rewards.count(refs), 1, "counted");
        assertEq(rewards.count(refs), 0, "counted again");
        assertEq(rewards.weightOf(IRewardsDEVSEN.Pot.Uptime, 0), 500, "fees");
    }

    function test_CountsASessionInTheEpochInWhichItWasSettled() external {
        IRewardsDEVSEN.SessionRef memory first = charge(driver, device, owner, 500);
        IRewardsDEVSEN.SessionRef memory late = charge(driver, device, owner, 70);
        toEpoch(1);
        IRewardsDEVSEN.SessionRef memory second = charge(driver, device, owner, 30);
        vm.warp(rewards.startOf(2) - 1);
        assertEq(count(first) + count(second), 2, "counted");
        assertEq(rewards.weightOf(IRewardsDEVSEN.Pot.Uptime, 0), 500, "epoch 0");
        assertEq(rewards.weightOf(IRewardsDEVSEN.Pot.Uptime, 1), 30, "epoch 1");
        assertEq(rewards.currentEpoch(), 1, "current");
        toEpoch(2);
        assertEq(count(late), 0, "too late");
    }

    function test_DoesNotCountWhatWasSettledBeforeItBegan() external {
        IRewardsDEVSEN.SessionRef memory early = charge(driver, device, owner, 500);
        vm.warp(block.timestamp + 1);
        rewards = makeRewards([uint208(1), 1, 1]);
        assertEq(count(early), 0, "counted");
    }

    function test_OpensClaimsOneEpochAfterTheEnd() external {
        _week();
        vm.warp(NOW + 2 * WEEK - 1);
        bytes memory tooEarly = abi.encodeWithSelector(IRewardsDEVSEN.NotYetClaimable.selector, 0, NOW + 2 * WEEK);
        vm.expectRevert(tooEarly);
        rewards.claimOccupant(0, driver);
        vm.expectRevert(tooEarly);
        rewards.claimBuilder(0, owner);
        vm.expectRevert(tooEarly);
        claimUptime(0, device, owner);

        vm.warp(NOW + 2 * WEEK);
        vm.expectEmit(address(rewards));
        emit IRewardsDEVSEN.Closed(0, 300, 150, 60);
        vm.expectEmit(address(rewards));
        emit IRewardsDEVSEN.Claimed(IRewardsDEVSEN.Pot.Occupants, 0, driver, 150);
        rewards.claimOccupant(0, driver);
    }

    function test_PaysOnceOnly() external {
        _week();
        toEpoch(1);
        agreeOnUptime(0, device, 7 days, 0);
        toEpoch(2);
        rewards.claimOccupant(0, driver);
        rewards.claimBuilder(0, owner);
        claimUptime(0, device, owner);
        _expectNothing(IRewardsDEVSEN.Pot.Occupants, driver);
        rewards.claimOccupant(0, driver);
        _expectNothing(IRewardsDEVSEN.Pot.Builders, owner);
        rewards.claimBuilder(0, owner);
        _expectNothing(IRewardsDEVSEN.Pot.Uptime, owner);
        claimUptime(0, device, owner);
    }

    function test_PaysNothingToWhoEarnedNothing() external {
        _week();
        toEpoch(2);
        _expectNothing(IRewardsDEVSEN.Pot.Occupants, other);
        rewards.claimOccupant(0, other);
        _expectNothing(IRewardsDEVSEN.Pot.Builders, other);
        rewards.claimBuilder(0, other);
        _expectNothing(IRewardsDEVSEN.Pot.Uptime, owner);
        claimUptime(0, device, owner);
        _expectNothing(IRewardsDEVSEN.Pot.Uptime, owner);
        rewards.claimUptime(0, new address[](0), owner);
    }

    function test_PaysForACharger_ToWhoWasPaidForItsSessions() external {
        address buyer = account("buyer");
        chargeAndCount(driver, device, owner, 600);
        chargeAndCount(driver, device, buyer, 400);
        toEpoch(1);
        agreeOnUptime(0, device, 7 days, 0);
        toEpoch(2);
        assertEq(claimUptime(0, device, buyer), 120, "buyer: 30 % of 400");
        assertEq(claimUptime(0, device, owner), 180, "owner: 30 % of 600");
    }

    function test_ClaimsForSeveralChargersAtOnce() external {
        _week();
        toEpoch(1);
        agreeOnUptime(0, device, 7 days, 0);
        agreeOnUptime(0, _second, 0, 0);
        toEpoch(2);
        address[] memory devices = new address[](4);
        (devices[0], devices[1], devices[2], devices[3]) = (address(device), address(_second), address(device), other);
        vm.expectEmit(address(rewards));
        emit IRewardsDEVSEN.Claimed(IRewardsDEVSEN.Pot.Uptime, 0, owner, 240);
        assertEq(rewards.claimUptime(0, devices, owner), 240, "the second was never up");
        assertEq(rewards.reserve(), 60, "of the second");
    }

    function test_AsksTheOraclesForTheUptimeOfAnEpoch() external {
        toEpoch(1);
        vm.prank(owner);
        bytes32 requestId = rewards.requestUptime(0, address(device));
        assertEq(uint256(oracle.asked(requestId).query), uint256(IOracleDEVSEN.Query.Uptime), "query");
        assertEq(oracle.asked(requestId).deviceId, keccak256("CP-1"), "device");
        assertEq(oracle.asked(requestId).params, abi.encode(NOW, NOW + WEEK), "params");
        assertEq(oracle.asked(requestId).payer, owner, "payer");

        vm.expectEmit(address(rewards));
        emit IRewardsDEVSEN.UptimeAgreed(0, address(device), 600_000, 4_800);
        oracle.agree(requestId, 600_000, 4_800);
        IRewardsDEVSEN.Uptime memory uptime = rewards.uptimeOf(0, address(device));
        assertTrue(uptime.known, "known");
        assertEq(uptime.usableSec, 600_000, "usable");
        assertEq(uptime.excludedSec, 4_800, "excluded");
    }

    function test_AsksNothingThatIsTooEarlyUnknownOrKnown() external {
        vm.warp(NOW + WEEK - 1);
        vm.expectRevert(abi.encodeWithSelector(IRewardsDEVSEN.EpochNotOver.selector, 0, NOW + WEEK));
        rewards.requestUptime(0, address(device));
        toEpoch(1);
        vm.expectRevert(abi.encodeWithSelector(IRewardsDEVSEN.NotADevice.selector, other));
        rewards.requestUptime(0, other);
        agreeOnUptime(0, device, 1, 0);
        vm.expectRevert(abi.encodeWithSelector(IRewardsDEVSEN.UptimeKnown.selector, 0, device));
        rewards.requestUptime(0, address(device));
    }

    function test_TakesTheFirstOfTwoAnswers() external {
        toEpoch(1);
        bytes32 first = rewards.requestUptime(0, address(device));
        bytes32 second = rewards.requestUptime(0, address(device));
        oracle.agree(second, 200, 2);
        oracle.agree(first, 100, 1);
        assertEq(rewards.uptimeOf(0, address(device)).usableSec, 200, "usable");
    }

    function test_TakesNoAnswerThatIsNoUptime() external {
        toEpoch(1);
        _answerInVain(IOracleConsumer.Outcome.Expired, "");
        _answerInVain(IOracleConsumer.Outcome.Disputed, "");
        _answerInVain(IOracleConsumer.Outcome.Agreed, "");
        _answerInVain(IOracleConsumer.Outcome.Agreed, abi.encode(1, 2, 3));
        _answerInVain(IOracleConsumer.Outcome.Agreed, abi.encode(WEEK + 1, 0));
        _answerInVain(IOracleConsumer.Outcome.Agreed, abi.encode(0, WEEK + 1));
        agreeOnUptime(0, device, 1, 0);
        assertTrue(rewards.uptimeOf(0, address(device)).known, "known in the end");
    }

    function test_NeverReckonsMoreThanTheWholeEpoch() external {
        chargeAndCount(driver, device, owner, 1_000);
        toEpoch(1);
        agreeOnUptime(0, device, 7 days, 7 days);
        toEpoch(2);
        assertEq(claimUptime(0, device, owner), 300, "all of it");
    }

    function test_IsAnsweredByTheLedgerOnlyAndToItsOwnRequests() external {
        vm.expectRevert(abi.encodeWithSelector(IRewardsDEVSEN.NotOracle.selector, address(this)));
        rewards.onOracleAnswer(0, IOracleConsumer.Outcome.Agreed, "");
        vm.prank(address(oracle));
        vm.expectRevert(abi.encodeWithSelector(IRewardsDEVSEN.UnknownRequest.selector, bytes32(uint256(7))));
        rewards.onOracleAnswer(bytes32(uint256(7)), IOracleConsumer.Outcome.Agreed, "");
        toEpoch(1);
        bytes32 requestId = rewards.requestUptime(0, address(device));
        oracle.agree(requestId, 1, 0);
        vm.expectRevert(abi.encodeWithSelector(IRewardsDEVSEN.UnknownRequest.selector, requestId));
        oracle.agree(requestId, 1, 0);
    }

    function test_ChangesABudgetFromTheNextEpochOn() external {
        toEpoch(3);
        vm.expectEmit(address(rewards));
        emit IRewardsDEVSEN.BudgetSet(IRewardsDEVSEN.Pot.Builders, 4, 5);
        rewards.setBudget(IRewardsDEVSEN.Pot.Builders, 5);
        assertEq(rewards.budgetOf(IRewardsDEVSEN.Pot.Builders, 0), 1e24, "epoch 0");
        assertEq(rewards.budgetOf(IRewardsDEVSEN.Pot.Builders, 3), 1e24, "epoch 3");
        assertEq(rewards.budgetOf(IRewardsDEVSEN.Pot.Builders, 4), 5, "epoch 4");
        rewards.setBudget(IRewardsDEVSEN.Pot.Builders, 6);
        assertEq(rewards.budgetOf(IRewardsDEVSEN.Pot.Builders, 1_000), 6, "epoch 1,000");
        assertEq(rewards.budgetOf(IRewardsDEVSEN.Pot.Uptime, 4), 1e24, "another pot");
    }

    function test_TakesBudgetsFromTheAdminOnly() external {
        vm.prank(other);
        vm.expectRevert(abi.encodeWithSelector(IRewardsDEVSEN.NotAdmin.selector, other));
        rewards.setBudget(IRewardsDEVSEN.Pot.Uptime, 1);
        uint256 tooMuch = uint256(type(uint208).max) + 1;
        vm.expectRevert(abi.encodeWithSelector(SafeCast.SafeCastOverflowedUintDowncast.selector, 208, tooMuch));
        rewards.setBudget(IRewardsDEVSEN.Pot.Uptime, tooMuch);
    }

    function test_PaysOutOfItsReserveBeforeItMints() external {
        _week();
        network.mint(other, 400);
        vm.startPrank(other);
        network.approve(address(rewards), 400);
        vm.expectEmit(address(rewards));
        emit IRewardsDEVSEN.Funded(other, 400);
        rewards.fund(400);
        vm.stopPrank();
        uint256 supply = network.totalSupply();
        toEpoch(2);
        rewards.claimOccupant(0, driver);
        assertEq(network.totalSupply(), supply + 110, "300 + 150 + 60, less 400");
        assertEq(rewards.reserve(), 0, "reserve");
        assertEq(network.balanceOf(address(rewards)), 360, "left for the others");
    }

    function test_PaysWithoutMintingOnceTheReserveIsEnough() external {
        _week();
        network.revokeRole(network.MINTER_ROLE(), address(rewards));
        toEpoch(2);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessControl.AccessControlUnauthorizedAccount.selector,
                rewards,
                network.MINTER_ROLE()
            )
        );
        rewards.claimOccupant(0, driver);
        network.mint(address(this), 510);
        network.approve(address(rewards), 510);
        rewards.fund(510);
        assertEq(rewards.claimOccupant(0, driver), 150, "claimed");
    }

    function test_ScalesDownEvenlyWhenTheTokensCapIsReached() external {
        _week();
        toEpoch(2);
        network.mint(other, CAP - network.totalSupply() - 102);
        vm.expectEmit(address(rewards));
        emit IRewardsDEVSEN.Closed(0, 60, 30, 12);
        assertEq(rewards.claimOccupant(0, driver), 30, "a fifth of 150");
        assertEq(network.totalSupply(), CAP, "supply");
    }

    function test_PaysNothingWithoutFees() external {
        payment.setFee(0, treasury);
        fundNetwork(0);
        network.mint(driver, 100);
        fundNetwork(100);
        IRewardsDEVSEN.SessionRef memory free_ = _open(1, address(network), 100);
        device.settle(bytes32(uint256(1)), 100);
        assertEq(count(free_), 0, "counted");
    }

    function test_NeedsItsContractsAndAFittingEpoch() external {
        uint208[3] memory budgets;
        vm.expectRevert(abi.encodeWithSelector(IRewardsDEVSEN.ZeroAddress.selector));
        new RewardsDEVSEN(address(0), address(oracle), address(network), WEEK, budgets);
        vm.expectRevert(abi.encodeWithSelector(IRewardsDEVSEN.ZeroAddress.selector));
        new RewardsDEVSEN(address(payment), address(0), address(network), WEEK, budgets);
        vm.expectRevert(abi.encodeWithSelector(IRewardsDEVSEN.ZeroAddress.selector));
        new RewardsDEVSEN(address(payment), address(oracle), address(0), WEEK, budgets);
        vm.expectRevert(abi.encodeWithSelector(IRewardsDEVSEN.BadEpochLength.selector, 59));
        new RewardsDEVSEN(address(payment), address(oracle), address(network), 59, budgets);
        vm.expectRevert(abi.encodeWithSelector(IRewardsDEVSEN.BadEpochLength.selector, 366 days + 1));
        new RewardsDEVSEN(address(payment), address(oracle), address(network), 366 days + 1, budgets);
    }

    /// @dev Epoch 0: the driver pays fees of 500 and 300 at the first charger and 200 at the second, nobody else any.
    function _week() private {
        chargeAndCount(driver, device, owner, 500);
        chargeAndCount(driver, device, owner, 300);
        chargeAndCount(driver, _second, owner, 200);
    }

    function fundNetwork(uint256 amount) private {
        if (amount == 0) return;
        vm.startPrank(driver);
        network.approve(address(payment), amount);
        payment.deposit(address(network), amount, driver);
        vm.stopPrank();
    }

    function _open(
        uint256 sessionId,
        address token_,
        uint256 amount
    ) private returns (IRewardsDEVSEN.SessionRef memory) {
        device.lock(bytes32(sessionId), driver, token_, amount, block.timestamp + 1);
        return IRewardsDEVSEN.SessionRef(address(device), bytes32(sessionId));
    }

    function _answerInVain(IOracleConsumer.Outcome outcome, bytes memory answer) private {
        bytes32 requestId = rewards.requestUptime(0, address(device));
        vm.expectEmit(address(rewards));
        emit IRewardsDEVSEN.UptimeNotAgreed(0, address(device), outcome);
        oracle.answer(requestId, outcome, answer);
        assertTrue(!rewards.uptimeOf(0, address(device)).known, "known");
    }

    function _expectNothing(IRewardsDEVSEN.Pot pot, address earner) private {
        vm.expectRevert(abi.encodeWithSelector(IRewardsDEVSEN.NothingToClaim.selector, pot, 0, earner));
    }
}
