#pragma once
// The one include of Catch2 (v2 on Debian 12), so that v3 is one edit.
#include <catch2/catch.hpp>
