// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RewardsBase} from "./RewardsBase.sol";
import {RewardsHandler} from "./RewardsHandler.sol";
import {TestDevice} from "./support/TestDevice.sol";

/// @notice What holds of the rewards whatever anybody does.
contract RewardsInvariantsTest is RewardsBase {
    RewardsHandler private _handler;

    function setUp() public override {
        super.setUp();
        rewards = makeRewards([uint208(1e22), 1e21, 1e20]);
        TestDevice[3] memory devices = [device, makeDevice(owner, "CP-2"), makeDevice(owner, "CP-3")];
        _handler = new RewardsHandler(payment, rewards, network, oracle, devices);
        network.grantRole(network.MINTER_ROLE(), address(_handler));
        users.transferOwnership(address(_handler));
        vm.prank(address(_handler));
        users.acceptOwnership();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[] memory selectors = new bytes4[](8);
        selectors[0] = RewardsHandler.charge.selector;
        selectors[1] = RewardsHandler.count.selector;
        selectors[2] = RewardsHandler.agreeOnUptime.selector;
        selectors[3] = RewardsHandler.claim.selector;
        selectors[4] = RewardsHandler.setBudget.selector;
        selectors[5] = RewardsHandler.fund.selector;
        selectors[6] = RewardsHandler.setFee.selector;
        selectors[7] = RewardsHandler.wait.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(_handler), selectors);
    }

    function invariant_PaysLessThanItsBudgetsAndThanTheFees() external view {
        (uint256 granted, bool isBounded) = _handler.grantedInAll();
        assertTrue(isBounded, "every pot stays within its budget and its cap");
        assertLe(_handler.claimed(), granted, "claimed");
        assertLe(granted * 10, _handler.countedFees() * 9, "granted");
        assertLe(rewards.reserve(), network.balanceOf(address(rewards)), "reserve");
        // What came in by minting and funding is here or was claimed.
        assertLe(_handler.claimed() + network.balanceOf(address(rewards)), granted + _handler.funded(), "tokens");
    }
}
