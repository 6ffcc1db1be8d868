// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title The cheats of Hardhat's Solidity tests that the tests here use
/// @dev Signatures are those of Foundry's `Vm`, which Hardhat's runner understands.
interface Vm {
    struct Log {
        bytes32[] topics;
        bytes data;
        address emitter;
    }

    function prank(address sender) external;
    function startPrank(address sender) external;
    function stopPrank() external;
    function warp(uint256 timestamp) external;
    function roll(uint256 number) external;
    function deal(address account, uint256 balance) external;
    function assume(bool condition) external pure;
    function expectRevert(bytes calldata data) external;
    function expectRevert(bytes4 selector) external;
    function expectPartialRevert(bytes4 selector) external;
    function expectEmit(address emitter) external;
    function expectCall(address callee, bytes calldata data, uint64 count) external;
    function recordLogs() external;
    function getRecordedLogs() external returns (Log[] memory logs);
    function getCode(string calldata artifact) external view returns (bytes memory code);
    function addr(uint256 privateKey) external pure returns (address);
    function sign(uint256 privateKey, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function etch(address account, bytes calldata code) external;
    function store(address account, bytes32 slot, bytes32 value) external;
    function load(address account, bytes32 slot) external view returns (bytes32);
    function cool(address account) external;
    function snapshotState() external returns (uint256 id);
    function revertToState(uint256 id) external returns (bool success);
}

/// @title What every Solidity test here inherits
abstract contract Test {
    /// @notice A contract and those of its functions that an invariant test calls.
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    error NotEqual(string what, bytes32 actual, bytes32 expected);
    error BytesNotEqual(string what, bytes actual, bytes expected);
    error NotTrue(string what);
    error TooMuch(string what, uint256 actual, uint256 most);

    function assertTrue(bool condition, string memory what) internal pure {
        if (!condition) revert NotTrue(what);
    }

    function assertEq(uint256 actual, uint256 expected, string memory what) internal pure {
        if (actual != expected) revert NotEqual(what, bytes32(actual), bytes32(expected));
    }

    function assertLe(uint256 actual, uint256 most, string memory what) internal pure {
        if (actual > most) revert TooMuch(what, actual, most);
    }

    function assertEq(address actual, address expected, string memory what) internal pure {
        if (actual != expected)
            revert NotEqual(what, bytes32(uint256(uint160(actual))), bytes32(uint256(uint160(expected))));
    }

    function assertEq(bytes32 actual, bytes32 expected, string memory what) internal pure {
        if (actual != expected) revert NotEqual(what, actual, expected);
    }

    function assertEq(bytes memory actual, bytes memory expected, string memory what) internal pure {
        if (keccak256(actual) != keccak256(expected)) revert BytesNotEqual(what, actual, expected);
    }

    /// @dev Brings a fuzzed number into a range, both ends included; small numbers stay as they are.
    function bound(uint256 x, uint256 least, uint256 most) internal pure returns (uint256) {
        if (x >= least && x <= most) return x;
        if (most - least == type(uint256).max) return x;
        return least + (x % (most - least + 1));
    }

    /// @dev An address for a name.
    function account(string memory name) internal pure returns (address) {
        return address(uint160(uint256(keccak256(bytes(name)))));
    }

    /// @dev Deploys a contract as it was compiled by itself: by its own settings, and not once more within every test.
    function deploy(string memory artifact, bytes memory args) internal returns (address deployed) {
        bytes memory code = abi.encodePacked(vm.getCode(artifact), args);
        assembly ("memory-safe") {
            deployed := create(0, add(code, 0x20), mload(code))
        }
        assertTrue(deployed != address(0), "deployed");
    }
}
