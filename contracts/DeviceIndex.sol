// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IFactoryDEVSEN} from "./interfaces/IFactoryDEVSEN.sol";
import {MapCells} from "./libraries/MapCells.sol";
import {PackedList} from "./libraries/PackedList.sol";
import {Page} from "./libraries/Page.sol";

/// @title Chargers in the order of their making, by owner and by map cell
abstract contract DeviceIndex is IFactoryDEVSEN {
    using PackedList for PackedList.List;

    /// @dev One slot. The places are those in the lists below; 0 if it is not in one.
    struct Entry {
        address device;
        uint24 placeAtOwner;
        uint24 placeInCell;
    }

    /// @dev A charger's number is its place here.
    Entry[] private _entries;
    mapping(address owner => PackedList.List) private _ofOwner;
    mapping(uint32 cell => PackedList.List) private _inCell;

    /// @inheritdoc IFactoryDEVSEN
    function deviceCount() external view returns (uint256) {
        return _entries.length;
    }

    /// @inheritdoc IFactoryDEVSEN
    function devices(uint256 offset, uint256 limit) external view returns (address[] memory page) {
        (uint256 from, uint256 to) = Page.bounds(_entries.length, offset, limit);
        page = new address[](to - from);
        for (uint256 i = from; i < to; ++i) {
            page[i - from] = _entries[i].device;
        }
    }

    /// @inheritdoc IFactoryDEVSEN
    function deviceCountOf(address owner) external view returns (uint256) {
        return _ofOwner[owner].length();
    }

    /// @inheritdoc IFactoryDEVSEN
    function devicesOf(address owner, uint256 offset, uint256 limit) external view returns (address[] memory page) {
        return _page(_ofOwner[owner], offset, limit);
    }

    /// @inheritdoc IFactoryDEVSEN
    function deviceCountIn(uint32 cell) external view returns (uint256) {
        return _inCell[cell].length();
    }

    /// @inheritdoc IFactoryDEVSEN
    function devicesIn(uint32 cell, uint256 offset, uint256 limit) external view returns (address[] memory page) {
        return _page(_inCell[cell], offset, limit);
    }

    /// @inheritdoc IFactoryDEVSEN
    function cellOf(int32 latitudeE7, int32 longitudeE7) external pure returns (uint32) {
        return MapCells.cellOf(latitudeE7, longitudeE7);
    }

    /// @inheritdoc IFactoryDEVSEN
    function devicesInBox(MapCells.Box calldata box) public view returns (address[] memory found) {
        uint256 columns = (uint256(box.east) + MapCells.COLUMNS - box.west) % MapCells.COLUMNS;
        uint256 count = 0;
        for (uint256 row = box.south; row <= box.north; ++row) {
            for (uint256 i = 0; i <= columns; ++i) count += _cellIn(box, row, i).length();
        }
        found = new address[](count);
        count = 0;
        for (uint256 row = box.south; row <= box.north; ++row) {
            for (uint256 i = 0; i <= columns; ++i) {
                PackedList.List storage list = _cellIn(box, row, i);
                uint256 size = list.length();
                for (uint256 place = 1; place <= size; ++place) {
                    found[count] = _entries[list.at(place)].device;
                    ++count;
                }
            }
        }
    }

    /// @return number Of the new charger. It is in no list but the first yet.
    function _add(address device) internal returns (uint24 number) {
        number = SafeCast.toUint24(_entries.length);
        _entries.push().device = device;
    }

    function _deviceAt(uint24 number) internal view returns (address) {
        return number < _entries.length ? _entries[number].device : address(0);
    }

    function _giveTo(address owner, uint24 number) internal {
        _entries[number].placeAtOwner = _ofOwner[owner].push(number);
    }

    function _takeFrom(address owner, uint24 number) internal {
        uint24 place = _entries[number].placeAtOwner;
        (uint24 moved, bool isMoved) = _ofOwner[owner].remove(place);
        if (isMoved) _entries[moved].placeAtOwner = place;
    }

    function _putInto(uint32 cell, uint24 number) internal {
        _entries[number].placeInCell = _inCell[cell].push(number);
    }

    function _takeOut(uint32 cell, uint24 number) internal {
        uint24 place = _entries[number].placeInCell;
        (uint24 moved, bool isMoved) = _inCell[cell].remove(place);
        if (isMoved) _entries[moved].placeInCell = place;
        _entries[number].placeInCell = 0;
    }

    /// @dev Whether a charger is on the map: until it is retired.
    function _isOnMap(uint24 number) internal view returns (bool) {
        return _entries[number].placeInCell != 0;
    }

    function _cellIn(
        MapCells.Box calldata box,
        uint256 row,
        uint256 offset
    ) private view returns (PackedList.List storage) {
        return _inCell[MapCells.cellAt(row, (box.west + offset) % MapCells.COLUMNS)];
    }

    function _page(
        PackedList.List storage list,
        uint256 offset,
        uint256 limit
    ) private view returns (address[] memory page) {
        (uint256 from, uint256 to) = Page.bounds(list.length(), offset, limit);
        page = new address[](to - from);
        for (uint256 i = from; i < to; ++i) {
            page[i - from] = _entries[list.at(i + 1)].device;
        }
    }
}
