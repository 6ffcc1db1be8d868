// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Sets of up to 32 members as bits
library Bits {
    /// @notice How many of the lowest 32 bits are set.
    function count(uint256 bits) internal pure returns (uint256) {
        unchecked {
            // Sums of neighbouring bits, then pairs, then fours; the product adds the four bytes up.
            bits = bits - ((bits >> 1) & 0x55555555);
            bits = (bits & 0x33333333) + ((bits >> 2) & 0x33333333);
            bits = (bits + (bits >> 4)) & 0x0f0f0f0f;
            return ((bits * 0x01010101) >> 24) & 0xff;
        }
    }

    /// @notice The set of the first `size` members.
    function all(uint256 size) internal pure returns (uint256) {
        return (1 << size) - 1;
    }
}
