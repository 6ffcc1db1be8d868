// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {ERC20Capped} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Capped.sol";
import {TokenDEVSEN} from "../../contracts/TokenDEVSEN.sol";
import {Test} from "./support/Test.sol";

/// @notice Who mints, and how much.
contract TokenDEVSENTest is Test {
    uint256 private constant CAP = 1_000 ether;

    address private _treasury = account("treasury");
    address private _rewards = account("rewards");
    address private _other = account("other");
    TokenDEVSEN private _token;
    bytes32 private _minter;

    function setUp() external {
        _token = new TokenDEVSEN(address(this), _treasury, CAP);
        _minter = _token.MINTER_ROLE();
    }

    function test_IsAnERC20Of18Decimals() external view {
        assertEq(bytes(_token.name()), "DEVSEN", "name");
        assertEq(bytes(_token.symbol()), "DEVSEN", "symbol");
        assertEq(_token.decimals(), 18, "decimals");
        assertEq(_token.totalSupply(), 0, "supply");
        assertEq(_token.cap(), CAP, "cap");
    }

    function test_IsMintedByMintersUpToTheCap() external {
        vm.prank(_treasury);
        _token.mint(_other, CAP - 1);
        _token.grantRole(_minter, _rewards);
        vm.prank(_rewards);
        vm.expectRevert(abi.encodeWithSelector(ERC20Capped.ERC20ExceededCap.selector, CAP + 1, CAP));
        _token.mint(_other, 2);
        vm.prank(_rewards);
        _token.mint(_other, 1);
        assertEq(_token.balanceOf(_other), CAP, "balance");
        vm.prank(_rewards);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InvalidReceiver.selector, address(0)));
        _token.mint(address(0), 0);
    }

    function test_IsMintedByNobodyElse() external {
        _expectUnauthorized(address(this), _minter);
        _token.mint(_other, 1);
    }

    function test_IsMintedByNobodyOnceTheRoleIsGivenUp() external {
        vm.prank(_treasury);
        _token.renounceRole(_minter, _treasury);
        vm.prank(_treasury);
        _expectUnauthorized(_treasury, _minter);
        _token.mint(_other, 1);
    }

    function test_HasMintersMadeByTheAdminOnly() external {
        vm.prank(_treasury);
        _expectUnauthorized(_treasury, 0);
        _token.grantRole(_minter, _other);
        _token.revokeRole(_minter, _treasury);
        assertTrue(!_token.hasRole(_minter, _treasury), "revoked");
    }

    function test_HandsItsAdminOverInTwoSteps() external {
        _token.beginDefaultAdminTransfer(_other);
        assertEq(_token.defaultAdmin(), address(this), "not yet");
        vm.warp(block.timestamp + 1);
        vm.prank(_other);
        _token.acceptDefaultAdminTransfer();
        assertEq(_token.defaultAdmin(), _other, "handed over");
        _expectUnauthorized(address(this), 0);
        _token.grantRole(_minter, _rewards);
    }

    function test_TakesPermits() external {
        uint256 key = 0xb0b;
        address holder = vm.addr(key);
        bytes32 typeHash = keccak256(
            "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
        );
        bytes32 structHash = keccak256(abi.encode(typeHash, holder, _other, 5, 0, block.timestamp));
        bytes32 digest = keccak256(abi.encodePacked("\x19\x01", _token.DOMAIN_SEPARATOR(), structHash));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        _token.permit(holder, _other, 5, block.timestamp, v, r, s);
        assertEq(_token.allowance(holder, _other), 5, "allowance");
    }

    function testFuzz_NeverExceedsItsCap(uint256[6] calldata amounts) external {
        vm.startPrank(_treasury);
        for (uint256 i = 0; i < amounts.length; ++i) {
            uint256 amount = amounts[i] % (CAP / 2);
            uint256 supply = _token.totalSupply() + amount;
            if (supply > CAP) {
                vm.expectRevert(abi.encodeWithSelector(ERC20Capped.ERC20ExceededCap.selector, supply, CAP));
            }
            _token.mint(_other, amount);
        }
        assertLe(_token.totalSupply(), CAP, "supply");
    }

    function _expectUnauthorized(address caller, bytes32 role) private {
        vm.expectRevert(abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, caller, role));
    }
}
