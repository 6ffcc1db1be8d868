// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title OCPP identities
library Identity {
    /// @dev One bit for each ASCII character that may stand in an identity: A-Z a-z 0-9 _ = : | @ . -
    uint256 private constant ALLOWED = 0x17fffffe87ffffff27ff600000000000;

    /// @notice Whether a text is 1 to 48 characters of A-Z a-z 0-9 _ = : | @ . -
    /// @dev OCPP 2.0.1 `identifierString` without `*` and `+`: what is safe in a URL's path.
    function isValid(string calldata text) internal pure returns (bool) {
        bytes calldata characters = bytes(text);
        if (characters.length == 0 || characters.length > 48) return false;
        for (uint256 i = 0; i < characters.length; ++i) {
            if ((ALLOWED >> uint8(characters[i])) & 1 == 0) return false;
        }
        return true;
    }
}
