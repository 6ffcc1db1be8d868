// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IPaymentDEVSEN} from "./interfaces/IPaymentDEVSEN.sol";
import {Page} from "./libraries/Page.sol";

/// @title Tokens and free balances of the vault
/// @dev The only code that calls a token.
abstract contract Vault is IPaymentDEVSEN, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @dev `id` is the token's place in `_tokenList`, from 1; 0 if it never was allowed. `held` is free + locked.
    struct Token {
        uint16 id;
        bool allowed;
        uint232 held;
    }

    /// @inheritdoc IPaymentDEVSEN
    address public immutable users;

    /// @inheritdoc IPaymentDEVSEN
    mapping(address token => mapping(address account => uint256)) public freeOf;
    mapping(address token => Token) private _tokens;
    address[] private _tokenList;

    modifier onlyAdmin() {
        if (msg.sender != Ownable(users).owner()) revert NotAdmin(msg.sender);
        _;
    }

    constructor(address users_) {
        if (users_ == address(0)) revert ZeroAddress();
        users = users_;
    }

    /// @inheritdoc IPaymentDEVSEN
    function setToken(address token, bool allowed) external onlyAdmin {
        if (token.code.length == 0) revert NotAContract(token);

        if (_tokens[token].id == 0) {
            _tokenList.push(token);
            _tokens[token].id = SafeCast.toUint16(_tokenList.length);
        }
        _tokens[token].allowed = allowed;
        emit TokenSet(token, allowed);
    }

    /// @inheritdoc IPaymentDEVSEN
    function sweep(address token, uint256 amount, address to) external onlyAdmin nonReentrant {
        _checkRecipient(to);
        if (amount == 0) revert ZeroAmount();
        uint256 before = IERC20(token).balanceOf(address(this));
        uint256 surplus = Math.saturatingSub(before, _tokens[token].held);
        if (amount > surplus) revert SurplusTooLow(token, surplus, amount);

        emit Swept(token, to, amount);
        IERC20(token).safeTransfer(to, amount);
        uint256 left = Math.saturatingSub(before, IERC20(token).balanceOf(address(this)));
        if (left > surplus) revert SurplusTooLow(token, surplus, left);
    }

    /// @inheritdoc IPaymentDEVSEN
    function deposit(address token, uint256 amount, address account) external nonReentrant returns (uint256 credited) {
        return _deposit(token, amount, account);
    }

    /// @inheritdoc IPaymentDEVSEN
    function depositWithPermit(
        address token,
        uint256 amount,
        address account,
        uint256 permitDeadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external nonReentrant returns (uint256 credited) {
        _checkAllowed(token);
        // Whoever sees the permit can bring it first; then this one fails and the approval is there all the same.
        try IERC20Permit(token).permit(msg.sender, address(this), amount, permitDeadline, v, r, s) {} catch {}
        return _deposit(token, amount, account);
    }

    /// @inheritdoc IPaymentDEVSEN
    function withdraw(address token, uint256 amount, address to) external nonReentrant returns (uint256 debited) {
        _checkRecipient(to);
        if (amount == 0) revert ZeroAmount();
        _debit(token, msg.sender, amount);

        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransfer(to, amount);
        debited = Math.saturatingSub(before, IERC20(token).balanceOf(address(this)));

        if (debited > amount) _debit(token, msg.sender, debited - amount);
        else if (debited < amount) _credit(token, msg.sender, amount - debited);
        _tokens[token].held -= SafeCast.toUint232(debited);
        emit Withdrawn(token, msg.sender, to, debited);
    }

    /// @inheritdoc IPaymentDEVSEN
    function isAllowed(address token) external view returns (bool) {
        return _tokens[token].allowed;
    }

    /// @inheritdoc IPaymentDEVSEN
    function tokenCount() external view returns (uint256) {
        return _tokenList.length;
    }

    /// @inheritdoc IPaymentDEVSEN
    function tokens(uint256 offset, uint256 limit) external view returns (TokenView[] memory page) {
        (uint256 from, uint256 to) = Page.bounds(_tokenList.length, offset, limit);
        page = new TokenView[](to - from);
        for (uint256 i = from; i < to; ++i) {
            page[i - from] = TokenView(_tokenList[i], _tokens[_tokenList[i]].allowed);
        }
    }

    /// @inheritdoc IPaymentDEVSEN
    function heldOf(address token) external view returns (uint256) {
        return _tokens[token].held;
    }

    function _credit(address token, address account, uint256 amount) internal {
        freeOf[token][account] += amount;
    }

    /// @dev Reverts: FreeTooLow.
    function _debit(address token, address account, uint256 amount) internal {
        uint256 free = freeOf[token][account];
        if (free < amount) revert FreeTooLow(token, account, free, amount);
        unchecked {
            freeOf[token][account] = free - amount;
        }
    }

    /// @dev Reverts: TokenNotAllowed.
    function _checkAllowed(address token) internal view returns (uint16 id) {
        Token storage entry = _tokens[token];
        if (!entry.allowed) revert TokenNotAllowed(token);
        return entry.id;
    }

    function _checkRecipient(address recipient) internal view {
        if (recipient == address(0) || recipient == address(this)) revert BadRecipient(recipient);
    }

    /// @param id A token's id, not 0.
    function _tokenById(uint16 id) internal view returns (address) {
        return _tokenList[id - 1];
    }

    function _deposit(address token, uint256 amount, address account) private returns (uint256 credited) {
        _checkAllowed(token);
        _checkRecipient(account);
        if (amount == 0) revert ZeroAmount();

        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        credited = Math.saturatingSub(IERC20(token).balanceOf(address(this)), before);
        if (credited == 0) revert NothingArrived(token);

        _tokens[token].held += SafeCast.toUint232(credited);
        _credit(token, account, credited);
        emit Deposited(token, account, msg.sender, credited);
    }
}
