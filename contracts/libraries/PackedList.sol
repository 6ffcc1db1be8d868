// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Lists of 24-bit numbers, ten to a storage slot
/// @notice Places count from 1, so 0 can stand for 'not in the list'. The order changes when an entry is removed.
library PackedList {
    /// @dev Place 0 holds the list's length; so a short list needs one slot for all.
    struct List {
        mapping(uint256 slot => uint256) words;
    }

    uint256 private constant PER_WORD = 10;
    uint256 private constant BITS = 24;
    uint256 private constant MASK = type(uint24).max;

    /// @notice The list is full.
    error ListFull();

    /// @notice Adds a number at the end.
    /// @return place Where it is.
    function push(List storage list, uint24 value) internal returns (uint24 place) {
        uint256 count = length(list);
        if (count == MASK) revert ListFull();
        unchecked {
            // Below MASK, just checked.
            place = uint24(count + 1);
        }
        _set(list, 0, place);
        _set(list, place, value);
    }

    /// @notice Takes out what is at a place, and puts the last entry there.
    /// @return moved The number that is there now; not to be used if `isMoved` is false.
    /// @return isMoved Whether another entry took its place; not if it was the last.
    function remove(List storage list, uint24 place) internal returns (uint24 moved, bool isMoved) {
        uint256 last = length(list);
        moved = at(list, last);
        isMoved = place != last;
        if (isMoved) _set(list, place, moved);
        _set(list, last, 0);
        _set(list, 0, last - 1);
    }

    /// @notice How many entries there are.
    function length(List storage list) internal view returns (uint256) {
        return at(list, 0);
    }

    /// @notice The number at a place, from 1.
    function at(List storage list, uint256 place) internal view returns (uint24) {
        return uint24((list.words[place / PER_WORD] >> ((place % PER_WORD) * BITS)) & MASK);
    }

    function _set(List storage list, uint256 place, uint256 value) private {
        uint256 shift = (place % PER_WORD) * BITS;
        uint256 word = list.words[place / PER_WORD];
        list.words[place / PER_WORD] = (word & ~(MASK << shift)) | (value << shift);
    }
}
