// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LinkTokenInterface} from "@chainlink/contracts/src/v0.8/shared/interfaces/LinkTokenInterface.sol";
import {IERC677Receiver} from "@chainlink/contracts/src/v0.8/shared/interfaces/IERC677Receiver.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IOracleDEVSEN} from "./interfaces/IOracleDEVSEN.sol";

/// @title Accounts of LINK, from which requests are paid
abstract contract LinkAccounts is IOracleDEVSEN, IERC677Receiver, ReentrancyGuardTransient {
    /// @inheritdoc IOracleDEVSEN
    address public immutable link;

    /// @inheritdoc IOracleDEVSEN
    mapping(address owner => uint256) public accountJuels;
    /// @inheritdoc IOracleDEVSEN
    mapping(address owner => mapping(address spender => uint256)) public allowanceJuels;

    constructor(address link_) {
        if (link_ == address(0)) revert ZeroAddress();
        link = link_;
    }

    /// @notice LINK was sent here by `transferAndCall`: it goes into an account.
    /// @dev Reverts: NotLink, BadTransferData.
    /// @param sender Who sent it.
    /// @param juels How much.
    /// @param data Empty for the sender's own account, or `abi.encode(owner)`.
    function onTokenTransfer(address sender, uint256 juels, bytes calldata data) external nonReentrant {
        if (msg.sender != link) revert NotLink(msg.sender);
        address owner = sender;
        if (data.length != 0) {
            if (data.length != 32 || uint256(bytes32(data)) >> 160 != 0) revert BadTransferData();
            owner = abi.decode(data, (address));
        }

        accountJuels[owner] += juels;
        emit Funded(owner, juels);
    }

    /// @inheritdoc IOracleDEVSEN
    function withdraw(address to, uint256 juels) external nonReentrant {
        if (to == address(0)) revert ZeroAddress();
        _take(msg.sender, juels);
        emit Withdrawn(msg.sender, to, juels);
        // LINK's transfer reverts when it fails; it never returns false.
        LinkTokenInterface(link).transfer(to, juels);
    }

    /// @inheritdoc IOracleDEVSEN
    function allow(address spender, uint256 juels) external {
        allowanceJuels[msg.sender][spender] = juels;
        emit AllowanceSet(msg.sender, spender, juels);
    }

    /// @dev Takes juels out of an account. Reverts: AccountTooLow.
    function _take(address owner, uint256 juels) internal {
        uint256 held = accountJuels[owner];
        if (held < juels) revert AccountTooLow(owner, held, juels);
        unchecked {
            accountJuels[owner] = held - juels;
        }
    }

    /// @dev Uses up an allowance, unless it has no bound. Reverts: AllowanceTooLow.
    function _spend(address owner, address spender, uint256 juels) internal {
        uint256 allowed = allowanceJuels[owner][spender];
        if (allowed == type(uint256).max) return;
        if (allowed < juels) revert AllowanceTooLow(owner, spender, allowed, juels);
        unchecked {
            allowanceJuels[owner][spender] = allowed - juels;
        }
    }
}
