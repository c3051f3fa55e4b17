#pragma once
// A loan that is paid back in equal amounts, one at the end of each month.

namespace tokwatt::money {

/// The nominal rate of a year; a twelfth of it is charged each month.
struct Loan {
  double yearly_rate = 0;
  int months = 0;
};

/// The amount of each month: A = P i / (1 - (1 + i)^-n), i the month's rate; P / n without interest.
double annuity(double principal, const Loan& loan);
/// What is still owed after some payments: P (1 + i)^k - A ((1 + i)^k - 1) / i.
double owed(double principal, const Loan& loan, int payments);

}  // namespace tokwatt::money
