// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Lists of addresses kept as a contract's code
/// @notice A list that never changes: reading all of it costs one look at an account instead of one storage slot per entry.
/// @dev The code is a STOP byte, so that nobody can run it, and 20 bytes for each address.
library AddressList {
    /// @notice The list could not be stored.
    error NotStored();

    /// @notice Stores a list.
    /// @return list The contract whose code it is.
    function store(address[] memory entries) internal returns (address list) {
        // Creation code: return all that follows its own 11 bytes.
        bytes memory code = abi.encodePacked(hex"600b5981380380925939f300");
        for (uint256 i = 0; i < entries.length; ++i) {
            code = abi.encodePacked(code, entries[i]);
        }
        assembly ("memory-safe") {
            list := create(0, add(code, 0x20), mload(code))
        }
        if (list == address(0)) revert NotStored();
    }

    /// @notice How many addresses a list holds.
    function length(address list) internal view returns (uint256) {
        return (list.code.length - 1) / 20;
    }

    /// @notice Reads a list whole.
    function read(address list) internal view returns (address[] memory entries) {
        uint256 count = length(list);
        entries = new address[](count);
        bytes memory code = list.code;
        for (uint256 i = 0; i < count; ++i) {
            assembly ("memory-safe") {
                // Entry i ends at byte 1 + 20 × (i + 1) of the code; its word begins 32 bytes before that.
                let word := mload(add(add(code, 0x20), sub(mul(20, add(i, 1)), 31)))
                mstore(add(add(entries, 0x20), mul(i, 0x20)), and(word, 0xffffffffffffffffffffffffffffffffffffffff))
            }
        }
    }
}
