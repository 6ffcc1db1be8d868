// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @notice A well-behaved token with permits.
contract TestToken is ERC20Permit {
    uint8 private immutable _decimals;

    constructor(uint8 decimals_) ERC20("Test", "TEST") ERC20Permit("Test") {
        _decimals = decimals_;
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function decimals() public view override returns (uint8) {
        return _decimals;
    }
}

/// @notice Takes a hundredth of what is sent (`onTop` false: from the receiver; true: from the sender beside it).
contract FeeToken is TestToken {
    address private constant COLLECTOR = address(0xfee);
    bool private _onTop;

    constructor(bool onTop) TestToken(18) {
        _onTop = onTop;
    }

    function _update(address from, address to, uint256 value) internal override {
        bool isTransfer = from != address(0) && to != address(0) && to != COLLECTOR;
        uint256 fee = isTransfer ? value / 100 : 0;
        super._update(from, to, _onTop ? value : value - fee);
        if (fee != 0) super._update(from, COLLECTOR, fee);
    }
}

/// @notice Says by `false` that it failed, as some old tokens do; or says `true` and moves nothing.
contract LyingToken {
    mapping(address account => uint256) public balanceOf;
    bool private immutable _answer;
    bool private _isHonest = true;

    constructor(bool answer) {
        _answer = answer;
    }

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function setHonest(bool isHonest) external {
        _isHonest = isHonest;
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        return _move(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        return _move(from, to, amount);
    }

    function _move(address from, address to, uint256 amount) private returns (bool) {
        if (!_isHonest) return _answer;
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
        return true;
    }
}

/// @notice Returns nothing at all, like USDT.
contract SilentToken {
    mapping(address account => uint256) public balanceOf;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function transfer(address to, uint256 amount) external {
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
    }

    function transferFrom(address from, address to, uint256 amount) external {
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}

/// @notice Can be paused, and refuses accounts, like USDC.
contract GuardedToken is TestToken {
    error Paused();
    error Blacklisted(address account);

    bool private _isPaused;
    mapping(address account => bool) private _isBlacklisted;

    constructor() TestToken(6) {}

    function setPaused(bool isPaused) external {
        _isPaused = isPaused;
    }

    function blacklist(address account) external {
        _isBlacklisted[account] = true;
    }

    function _update(address from, address to, uint256 value) internal override {
        if (_isPaused) revert Paused();
        if (_isBlacklisted[from]) revert Blacklisted(from);
        if (_isBlacklisted[to]) revert Blacklisted(to);
        super._update(from, to, value);
    }
}

/// @notice Calls whom it is told to before or after each transfer, as ERC-777 lets receivers do.
contract ReentrantToken is TestToken {
    address private _target;
    bytes private _call;
    bool private _isAfter;
    bool public succeeded;
    bytes public returned;

    constructor() TestToken(18) {}

    function arm(address target, bytes calldata call_, bool isAfter) external {
        (_target, _call, _isAfter) = (target, call_, isAfter);
    }

    function _update(address from, address to, uint256 value) internal override {
        if (!_isAfter) _strike();
        super._update(from, to, value);
        if (_isAfter) _strike();
    }

    function _strike() private {
        address target = _target;
        if (target == address(0)) return;
        _target = address(0);
        (succeeded, returned) = target.call(_call);
    }
}
