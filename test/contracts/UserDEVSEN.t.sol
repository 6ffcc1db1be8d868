// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IUserDEVSEN} from "../../contracts/interfaces/IUserDEVSEN.sol";
import {UserDEVSEN} from "../../contracts/UserDEVSEN.sol";
import {Test} from "./support/Test.sol";

contract UserDEVSENTest is Test {
    uint256 private constant OCCUPANT = 1;
    uint256 private constant MANAGER = 2;
    uint256 private constant OPERATOR = 4;
    uint256 private constant GATEWAY = 8;
    uint256 private constant REGISTRAR = 16;
    /// @dev Private keys.
    uint256 private constant NEXT = 3001;
    uint256 private constant BOBS = 3002;

    UserDEVSEN private _users;
    address private _alice = account("alice");
    address private _bob = account("bob");
    address private _registrar = account("registrar");
    address private _key = account("key");

    function setUp() external {
        vm.warp(1_750_000_000);
        _users = new UserDEVSEN(address(this));
        _users.setUser(_registrar, REGISTRAR, 0, false);
    }

    function test_knowsNobodyAtFirst() external view {
        assertState(_alice, IUserDEVSEN.UserState.Unknown);
        assertState(address(0), IUserDEVSEN.UserState.Unknown);
        assertTrue(!_users.hasRole(_alice, 0), "not even no role");
    }

    function test_makesAndChangesUsers() external {
        vm.expectEmit(address(_users));
        emit IUserDEVSEN.UserSet(_alice, OCCUPANT | MANAGER, 5, false);
        _users.setUser(_alice, OCCUPANT | MANAGER, 5, false);
        (uint256 roles, uint64 expiresAt, bool blocked) = _users.userOf(_alice);
        assertEq(roles, OCCUPANT | MANAGER, "roles");
        assertEq(expiresAt, 5, "expiresAt");
        assertTrue(!blocked, "blocked");
    }

    function test_isActiveUntilItExpires() external {
        _users.setUser(_alice, OCCUPANT, 1_750_000_001, false);
        assertState(_alice, IUserDEVSEN.UserState.Active);
        assertTrue(_users.hasRole(_alice, OCCUPANT), "role");
        vm.warp(1_750_000_001);
        assertState(_alice, IUserDEVSEN.UserState.Expired);
        assertTrue(!_users.hasRole(_alice, OCCUPANT), "no role");
    }

    function test_countsBlockedBeforeExpired() external {
        _users.setUser(_alice, OCCUPANT, 1, true);
        assertState(_alice, IUserDEVSEN.UserState.Blocked);
        assertTrue(!_users.hasRole(_alice, OCCUPANT), "no role");
    }

    function test_hasRoleOnlyWithEveryRoleAsked() external {
        _users.setUser(_alice, OCCUPANT | MANAGER, 0, false);
        assertTrue(_users.hasRole(_alice, OCCUPANT | MANAGER), "both");
        assertTrue(!_users.hasRole(_alice, OCCUPANT | REGISTRAR), "one of two");
    }

    function test_refusesUsersThatCannotBe() external {
        vm.expectRevert(IUserDEVSEN.ZeroAddress.selector);
        _users.setUser(address(0), OCCUPANT, 0, false);
        vm.expectRevert(abi.encodeWithSelector(IUserDEVSEN.UnknownRoles.selector, 32));
        _users.setUser(_alice, 32, 0, false);
        vm.expectRevert(abi.encodeWithSelector(IUserDEVSEN.KeyRequired.selector, _alice, OPERATOR));
        _users.setUser(_alice, OPERATOR, 0, false);
        vm.expectRevert(abi.encodeWithSelector(IUserDEVSEN.KeyRequired.selector, _alice, GATEWAY));
        _users.setUser(_alice, GATEWAY, 0, false);
    }

    function test_letsARegistrarSetOccupantsAndManagersOnly() external {
        bytes memory refused = abi.encodeWithSelector(IUserDEVSEN.NotAllowed.selector, _registrar);
        _users.setGateway(_bob, _key);
        vm.startPrank(_registrar);
        _users.setUser(_alice, OCCUPANT | MANAGER, 0, false);
        vm.expectRevert(refused);
        _users.setUser(_alice, REGISTRAR, 0, false);
        vm.expectRevert(refused);
        _users.setUser(_bob, OCCUPANT, 0, false);
        vm.expectRevert(refused);
        _users.setUser(_registrar, OCCUPANT, 0, false);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, _registrar));
        _users.setOperator(_alice, address(this), _key);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, _registrar));
        _users.setGateway(_alice, _key);
    }

    function test_letsNobodyElseSetUsers() external {
        vm.prank(_alice);
        vm.expectRevert(abi.encodeWithSelector(IUserDEVSEN.NotAllowed.selector, _alice));
        _users.setUser(_alice, OCCUPANT, 0, false);
    }

    function test_takesABlockedRegistrarsRightAway() external {
        _users.setUser(_registrar, REGISTRAR, 0, true);
        vm.startPrank(_registrar);
        vm.expectRevert(abi.encodeWithSelector(IUserDEVSEN.NotAllowed.selector, _registrar));
        _users.setUser(_alice, OCCUPANT, 0, false);
        vm.expectRevert(abi.encodeWithSelector(IUserDEVSEN.NotAllowed.selector, _registrar));
        _users.setIdTag("card", address(0));
    }

    function test_makesOperatorsAndRotatesTheirKeys() external {
        vm.expectEmit(address(_users));
        emit IUserDEVSEN.OperatorSet(_alice, address(this), _key);
        _users.setOperator(_alice, address(this), _key);
        assertTrue(_users.hasRole(_alice, OPERATOR), "role");
        assertEq(_users.accountOfOracle(address(this)), _alice, "oracle's account");

        address next = vm.addr(NEXT);
        bytes memory proof = consent(NEXT, _alice);
        vm.prank(_alice);
        vm.expectEmit(address(_users));
        emit IUserDEVSEN.OperatorSet(_alice, address(this), next);
        _users.rotateOperatorKey(next, proof);
        assertEq(_users.operatorOf(_alice).signingKey, next, "key");
        assertEq(_users.accountOfKey(_key), _alice, "old key stays hers");
        assertEq(_users.accountOfKey(next), _alice, "new key");
        assertEq(_users.operatorCount(), 1, "count");
    }

    function test_keepsOtherRolesAndTheBlockWhenAnOperatorIsSet() external {
        _users.setUser(_alice, OCCUPANT, 1_750_000_009, true);
        _users.setOperator(_alice, address(this), _key);
        (uint256 roles, uint64 expiresAt, bool blocked) = _users.userOf(_alice);
        assertEq(roles, OCCUPANT | OPERATOR, "roles");
        assertEq(expiresAt, 1_750_000_009, "expiresAt");
        assertTrue(blocked && !_users.operatorOf(_alice).active, "still blocked");
    }

    function test_refusesOperatorsThatCannotBe() external {
        vm.expectRevert(IUserDEVSEN.ZeroAddress.selector);
        _users.setOperator(address(0), address(this), _key);
        vm.expectRevert(IUserDEVSEN.ZeroAddress.selector);
        _users.setOperator(_alice, address(this), address(0));
        vm.expectRevert(abi.encodeWithSelector(IUserDEVSEN.NotAContract.selector, _bob));
        _users.setOperator(_alice, _bob, _key);

        _users.setOperator(_alice, address(this), _key);
        vm.expectRevert(abi.encodeWithSelector(IUserDEVSEN.OracleTaken.selector, address(this), _alice));
        _users.setOperator(_bob, address(this), account("bob's key"));
        vm.expectRevert(abi.encodeWithSelector(IUserDEVSEN.KeyTaken.selector, _key, _alice));
        _users.setOperator(_bob, address(_users), _key);
    }

    function test_makesGatewaysAndRotatesTheirKeys() external {
        vm.expectEmit(address(_users));
        emit IUserDEVSEN.GatewaySet(_alice, _key);
        _users.setGateway(_alice, _key);
        address next = vm.addr(NEXT);
        bytes memory proof = consent(NEXT, _alice);
        vm.prank(_alice);
        vm.expectEmit(address(_users));
        emit IUserDEVSEN.GatewaySet(_alice, next);
        _users.rotateGatewayKey(next, proof);
        assertEq(_users.gatewayOf(_alice).signingKey, next, "key");
        assertEq(_users.gatewayCount(), 1, "count");

        vm.expectRevert(IUserDEVSEN.ZeroAddress.selector);
        _users.setGateway(address(0), _key);
        vm.expectRevert(IUserDEVSEN.ZeroAddress.selector);
        _users.setGateway(_bob, address(0));
        vm.expectRevert(abi.encodeWithSelector(IUserDEVSEN.KeyTaken.selector, _key, _alice));
        _users.setGateway(_bob, _key);
    }

    function test_letsOnlyActiveHoldersRotateTheirKeysAndToFreeKeysOnly() external {
        address bobsKey = vm.addr(BOBS);
        _users.setOperator(_alice, address(this), _key);
        _users.setGateway(_bob, bobsKey);
        bytes memory refused = abi.encodeWithSelector(IUserDEVSEN.NotAllowed.selector, _alice);
        bytes memory proof = consent(BOBS, _alice);
        vm.startPrank(_alice);
        vm.expectRevert(refused);
        _users.rotateGatewayKey(bobsKey, proof);
        vm.expectRevert(IUserDEVSEN.ZeroAddress.selector);
        _users.rotateOperatorKey(address(0), proof);
        vm.expectRevert(abi.encodeWithSelector(IUserDEVSEN.KeyTaken.selector, bobsKey, _bob));
        _users.rotateOperatorKey(bobsKey, proof);
        vm.stopPrank();

        _users.setOperator(_alice, address(this), vm.addr(NEXT));
        proof = consent(NEXT, _bob);
        vm.startPrank(_bob);
        vm.expectRevert(abi.encodeWithSelector(IUserDEVSEN.NotAllowed.selector, _bob));
        _users.rotateOperatorKey(vm.addr(NEXT), proof);
        vm.expectRevert(IUserDEVSEN.ZeroAddress.selector);
        _users.rotateGatewayKey(address(0), proof);
        vm.expectRevert(abi.encodeWithSelector(IUserDEVSEN.KeyTaken.selector, vm.addr(NEXT), _alice));
        _users.rotateGatewayKey(vm.addr(NEXT), proof);
        vm.stopPrank();

        _users.setUser(_alice, OPERATOR, 0, true);
        vm.prank(_alice);
        vm.expectRevert(refused);
        _users.rotateOperatorKey(vm.addr(NEXT), proof);
    }

    /// @dev Else anybody with a role could name the key that another is about to take, and it would be lost to that one.
    function test_takesNoKeyThatDidNotConsentToServeTheCaller() external {
        _users.setOperator(_alice, address(this), _key);
        _users.setGateway(_bob, account("bob's key"));
        address victims = vm.addr(NEXT);
        bytes memory other = consent(BOBS, _alice);
        bytes memory elsewhere = consent(NEXT, _bob);
        bytes[3] memory wrong = [other, elsewhere, bytes("")];
        bytes memory refused = abi.encodeWithSelector(IUserDEVSEN.BadKeyProof.selector, victims, _alice);
        for (uint256 i = 0; i < 3; ++i) {
            vm.prank(_alice);
            vm.expectRevert(refused);
            _users.rotateOperatorKey(victims, wrong[i]);
        }
        vm.prank(_bob);
        vm.expectRevert(abi.encodeWithSelector(IUserDEVSEN.BadKeyProof.selector, victims, _bob));
        _users.rotateGatewayKey(victims, other);
        assertEq(_users.accountOfKey(victims), address(0), "still free");
        vm.prank(_bob);
        _users.rotateGatewayKey(victims, elsewhere);
        assertEq(_users.accountOfKey(victims), _bob, "whose it is");
    }

    function test_listsOperatorsAndGatewaysEvenOnceTheyLostTheirRole() external {
        _users.setOperator(_alice, address(this), _key);
        _users.setGateway(_bob, account("bob's key"));
        _users.setUser(_alice, 0, 0, false);
        _users.setUser(_bob, GATEWAY, 1, false);

        IUserDEVSEN.OperatorView[] memory operators = _users.operators(0, 9);
        IUserDEVSEN.GatewayView[] memory gateways = _users.gateways(0, 9);
        assertTrue(operators.length == 1 && operators[0].account == _alice && !operators[0].active, "operators");
        assertTrue(gateways.length == 1 && gateways[0].account == _bob && !gateways[0].active, "gateways");
        assertEq(_users.operators(1, 9).length, 0, "beyond the end");
        assertEq(_users.operatorOf(_bob).account, address(0), "no operator");
        assertEq(_users.gatewayOf(_alice).account, address(0), "no gateway");
    }

    function test_listsUsersByRoleInPages() external {
        for (uint160 i = 1; i <= 5; ++i) _users.setUser(address(i), i == 3 ? MANAGER : OCCUPANT, 0, false);
        assertEq(_users.countByRole(OCCUPANT), 4, "occupants");
        assertEq(_users.usersByRole(OCCUPANT, 1, 2).length, 2, "page");
        assertEq(_users.usersByRole(OCCUPANT, 3, 9)[0], address(5), "last");
        _users.setUser(address(1), MANAGER, 0, false);
        assertEq(_users.countByRole(OCCUPANT), 3, "after one left");
        assertEq(_users.countByRole(MANAGER), 2, "managers");
    }

    function test_listsByExactlyOneRole() external {
        uint256[4] memory wrong = [uint256(0), 3, 32, type(uint256).max];
        for (uint256 i = 0; i < 4; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IUserDEVSEN.UnknownRoles.selector, wrong[i]));
            _users.countByRole(wrong[i]);
            vm.expectRevert(abi.encodeWithSelector(IUserDEVSEN.UnknownRoles.selector, wrong[i]));
            _users.usersByRole(wrong[i], 0, 1);
        }
    }

    function test_givesMovesAndRevokesCards() external {
        _users.setUser(_alice, OCCUPANT, 0, false);
        _users.setUser(_bob, OCCUPANT, 0, true);
        vm.startPrank(_registrar);
        vm.expectEmit(address(_users));
        emit IUserDEVSEN.IdTagSet("card", _alice);
        _users.setIdTag("card", _alice);
        assertCard("card", IUserDEVSEN.UserState.Active, _alice);
        _users.setIdTag("card", _bob);
        assertCard("card", IUserDEVSEN.UserState.Blocked, _bob);
        _users.setIdTag("card", address(0));
        assertCard("card", IUserDEVSEN.UserState.Unknown, address(0));
    }

    function test_letsAnOccupantRevokeItsOwnCardOnly() external {
        _users.setUser(_alice, OCCUPANT, 0, false);
        _users.setIdTag("card", _alice);
        vm.prank(_bob);
        vm.expectRevert(abi.encodeWithSelector(IUserDEVSEN.NotAllowed.selector, _bob));
        _users.revokeIdTag("card");
        vm.prank(_alice);
        vm.expectEmit(address(_users));
        emit IUserDEVSEN.IdTagSet("card", address(0));
        _users.revokeIdTag("card");
        assertCard("card", IUserDEVSEN.UserState.Unknown, address(0));
    }

    function test_refusesCardsThatCannotBe() external {
        vm.expectRevert(IUserDEVSEN.ZeroCommitment.selector);
        _users.setIdTag(0, _alice);
        vm.expectRevert(abi.encodeWithSelector(IUserDEVSEN.UnknownUser.selector, _alice));
        _users.setIdTag("card", _alice);
        vm.prank(_alice);
        vm.expectRevert(abi.encodeWithSelector(IUserDEVSEN.NotAllowed.selector, _alice));
        _users.setIdTag("card", _alice);
    }

    function test_handsTheAdminsPlaceOverInTwoStepsAndNeverToNobody() external {
        vm.expectRevert(IUserDEVSEN.AdminRequired.selector);
        _users.renounceOwnership();
        _users.transferOwnership(_alice);
        assertEq(_users.owner(), address(this), "not yet");
        vm.prank(_bob);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, _bob));
        _users.acceptOwnership();
        vm.prank(_alice);
        _users.acceptOwnership();
        assertEq(_users.owner(), _alice, "owner");
    }

    /// @dev Each role's list holds exactly the users that hold the role, whatever was set before.
    function testFuzz_listsExactlyWhoHoldsARole(uint8[16] calldata rolesSet) external {
        for (uint256 i = 0; i < 16; ++i) {
            _users.setUser(address(uint160(1 + (i % 5))), rolesSet[i] & (OCCUPANT | MANAGER | REGISTRAR), 0, false);
        }
        for (uint256 role = 1; role <= REGISTRAR; role <<= 1) {
            uint256 expected = role == REGISTRAR ? 1 : 0;
            for (uint160 i = 1; i <= 5; ++i) {
                if (_users.hasRole(address(i), role)) ++expected;
            }
            assertEq(_users.countByRole(role), expected, "count");
        }
    }

    /// @dev A key's consent to serve an account, EIP-712, put together by hand.
    function consent(uint256 key, address holder) private view returns (bytes memory proof) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("DEVSEN"),
                keccak256("1"),
                block.chainid,
                address(_users)
            )
        );
        bytes32 message = keccak256(abi.encode(keccak256("KeyConsent(address account)"), holder));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, keccak256(abi.encodePacked(hex"1901", domain, message)));
        return abi.encodePacked(r, s, v);
    }

    function assertState(address who, IUserDEVSEN.UserState expected) private view {
        assertEq(uint256(_users.userState(who)), uint256(expected), "state");
    }

    function assertCard(bytes32 card, IUserDEVSEN.UserState expectedState, address expectedUser) private view {
        (IUserDEVSEN.UserState state, address user) = _users.idTagState(card);
        assertEq(uint256(state), uint256(expectedState), "card's state");
        assertEq(user, expectedUser, "card's user");
    }
}
