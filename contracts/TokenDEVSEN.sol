// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessControlDefaultAdminRules} from "@openzeppelin/contracts/access/extensions/AccessControlDefaultAdminRules.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Capped} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Capped.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ITokenDEVSEN} from "./interfaces/ITokenDEVSEN.sol";

/// @title The network's token
contract TokenDEVSEN is ITokenDEVSEN, ERC20Permit, ERC20Capped, AccessControlDefaultAdminRules {
    /// @inheritdoc ITokenDEVSEN
    bytes32 public constant MINTER_ROLE = keccak256("MINTER_ROLE");

    /// @param admin Who makes minters.
    /// @param treasury The first minter.
    /// @param cap_ Most tokens, token base units.
    constructor(
        address admin,
        address treasury,
        uint256 cap_
    ) ERC20("DEVSEN", "DEVSEN") ERC20Permit("DEVSEN") ERC20Capped(cap_) AccessControlDefaultAdminRules(0, admin) {
        _grantRole(MINTER_ROLE, treasury);
    }

    /// @inheritdoc ITokenDEVSEN
    function mint(address to, uint256 amount) external onlyRole(MINTER_ROLE) {
        _mint(to, amount);
    }

    /// @inheritdoc ITokenDEVSEN
    function cap() public view override(ERC20Capped, ITokenDEVSEN) returns (uint256) {
        return super.cap();
    }

    function _update(address from, address to, uint256 value) internal override(ERC20, ERC20Capped) {
        super._update(from, to, value);
    }
}
