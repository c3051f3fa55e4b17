#pragma once
// One reader for each format of sessions. Each reports all that is wrong with a file, and says in its own file which of
// the recorded times count.
#include <string>

#include "scenarios/traces/sessions/recording.hpp"

namespace tokwatt::scenarios {

// They throw ReadFailure if the file cannot be opened.
void read_csv_sessions(const std::string& path, Recording& recording);
void read_exgentic(const std::string& path, Recording& recording);
void read_llmservingsim_sessions(const std::string& path, Recording& recording);
void read_otel(const std::string& path, Recording& recording);
void read_weka(const std::string& path, Recording& recording);

}  // namespace tokwatt::scenarios
