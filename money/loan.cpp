#include "money/loan.hpp"

#include <cmath>

namespace tokwatt::money {

double annuity(double principal, const Loan& loan) {
  const double i = loan.yearly_rate / 12;
  // expm1 and log1p keep the digits of a small rate, whose limit is P / n.
  return i > 0 ? -principal * i / std::expm1(-loan.months * std::log1p(i)) : principal / loan.months;
}

double owed(double principal, const Loan& loan, int payments) {
  if (payments >= loan.months) return 0;
  const double i = loan.yearly_rate / 12, paid = annuity(principal, loan);
  if (!(i > 0)) return principal - paid * payments;
  const double grown = std::expm1(payments * std::log1p(i));
  return principal + (principal - paid / i) * grown;
}

}  // namespace tokwatt::money
