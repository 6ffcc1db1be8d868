// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Pages of a list
library Page {
    /// @notice Where a page begins and ends in a list; both at the list's end if the page lies beyond it.
    /// @param length Length of the list.
    /// @param offset Place of the page's first entry.
    /// @param limit Most entries of the page.
    function bounds(uint256 length, uint256 offset, uint256 limit) internal pure returns (uint256 from, uint256 to) {
        from = Math.min(offset, length);
        to = from + Math.min(limit, length - from);
    }
}
