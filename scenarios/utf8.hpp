#pragma once
// Just enough UTF-8: columns are counted in characters, and whatever a terminal could choke on is shown escaped.
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tokwatt::scenarios {

/// Bytes of the well-formed character that `text` starts with; 0 if it does not start with one.
std::size_t code_point_length(std::string_view text);
/// The characters of a text; a byte that belongs to none stands alone.
std::vector<std::string_view> code_points(std::string_view text);
/// How many those are, and where number `index` begins (or the text ends) [B]: for texts of many megabytes.
std::size_t count_code_points(std::string_view text);
std::size_t offset_of_code_point(std::string_view text, std::size_t index);
/// Control characters, direction marks and bytes that are not UTF-8 as \n, \x1b, \u202e.
std::string escaped(std::string_view text);
/// Cut to at most `longest` characters, "..." included.
std::string shortened(std::string_view text, std::size_t longest);
/// Byte offset of the first byte that is no text: bad UTF-8, or a control character other than tab and line ends; npos:
/// none.
std::size_t find_not_text(std::string_view text);

}  // namespace tokwatt::scenarios
