// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Cells of the map
/// @notice A cell is 0.045° high and wide: 5 km from south to north, and 5 km at the equator from west to east, less
/// towards the poles. Rows count from the south pole, columns from the date line.
library MapCells {
    /// @notice Rows and columns, both ends included. West may be greater than east: then the box goes over the date line.
    struct Box {
        uint16 south;
        uint16 north;
        uint16 west;
        uint16 east;
    }

    /// @notice Columns of the map.
    uint256 internal constant COLUMNS = 8_000;
    /// @dev Height and width of a cell, degrees × 10⁷.
    int256 private constant SIDE_E7 = 450_000;
    int256 private constant SOUTH_POLE_E7 = -90e7;
    int256 private constant DATE_LINE_E7 = -180e7;

    /// @notice The cell of a place on earth, degrees × 10⁷: its row × 2¹⁶ + its column.
    function cellOf(int32 latitudeE7, int32 longitudeE7) internal pure returns (uint32) {
        // Never negative, and at most 4,000 and 8,000.
        uint256 row = uint256((latitudeE7 - SOUTH_POLE_E7) / SIDE_E7);
        uint256 column = uint256((longitudeE7 - DATE_LINE_E7) / SIDE_E7) % COLUMNS;
        return cellAt(row, column);
    }

    /// @notice The cell in a row and a column.
    function cellAt(uint256 row, uint256 column) internal pure returns (uint32) {
        return uint32((row << 16) | column);
    }
}
