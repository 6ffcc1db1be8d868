// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title The network's token
/// @notice An ERC-20 with ERC-2612 permits, for charging and for rewards. There are never more than `cap` of it.
/// @dev Minters are RewardsDEVSEN and the treasury, until they or the admin give the role up (`renounceRole`, `revokeRole`). The
/// admin is handed over in two steps (`beginDefaultAdminTransfer`, `acceptDefaultAdminTransfer`); once there is neither
/// admin nor minter, nothing about the token can change.
interface ITokenDEVSEN is IERC20 {
    /// @notice Role of who may mint.
    function MINTER_ROLE() external view returns (bytes32);

    /// @notice Makes new tokens.
    /// @dev Reverts: AccessControlUnauthorizedAccount, ERC20ExceededCap, ERC20InvalidReceiver.
    /// @param to Who gets them.
    /// @param amount Token base units, 18 decimals.
    function mint(address to, uint256 amount) external;

    /// @notice Most tokens that can ever be at one time, token base units.
    function cap() external view returns (uint256);
}
