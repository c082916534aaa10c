//! Who may replace a bundle, and how roots are replaced.

use super::*;
use crate::keys::SigningKey;
use crate::samples;
use zeroize::Zeroizing;

fn signed(bundle: &TrustBundle) -> Vec<u8> {
    Signed::seal(bundle, &[&samples::root_key()]).unwrap()
}

fn accept(bytes: &[u8], in_force: Option<&Authentic<TrustBundle>>) -> Result<Authentic<TrustBundle>, Refusal> {
    accept_bundle(bytes, samples::bundle().root_fingerprint(), in_force, samples::DOORS)
}

#[test]
fn a_bundle_by_the_pinned_root_is_taken_as_it_is() {
    let bytes = signed(&samples::bundle());
    let accepted = accept(&bytes, None).unwrap();
    assert_eq!(accepted.document(), &samples::bundle());
    assert_eq!(accepted.bytes(), bytes);
    assert_eq!(claimed_root(&bytes).unwrap(), samples::bundle().root_fingerprint());
}

#[test]
fn a_stranger_with_roots_of_his_own_is_refused() {
    let mut bundle = samples::bundle();
    bundle.roots = vec![samples::signing_key(66).verifying_key()];
    let bytes = Signed::seal(&bundle, &[&samples::signing_key(66)]).unwrap();
    assert_eq!(accept(&bytes, None).unwrap_err(), Refusal::OtherRoot);
}

#[test]
fn one_root_signing_twice_is_one_root() {
    let roots = [samples::root_key(), samples::signing_key(66)];
    let bundle = of_roots(1, &[&roots[0], &roots[1]], 2);
    let twice = Signed::seal(&bundle, &[&roots[0], &roots[0]]).unwrap();
    let refusal = accept_bundle(&twice, bundle.root_fingerprint(), None, samples::DOORS).unwrap_err();
    assert_eq!(refusal, Refusal::ThresholdMissed { document: "trust bundle", valid: 1, threshold: 2 });
    let both = Signed::seal(&bundle, &[&roots[0], &roots[1]]).unwrap();
    accept_bundle(&both, bundle.root_fingerprint(), None, samples::DOORS).unwrap();
}

#[test]
fn a_bundle_never_goes_back() {
    let mut newer = samples::bundle();
    newer.version = 2;
    let in_force = accept(&signed(&newer), None).unwrap();
    assert!(matches!(accept(&signed(&samples::bundle()), Some(&in_force)), Err(Refusal::Older { .. })));
    newer.keys.pop();
    assert!(matches!(accept(&signed(&newer), Some(&in_force)), Err(Refusal::Conflicting { .. })));
}

#[test]
fn any_flipped_bit_is_refused() {
    let bytes = signed(&samples::bundle());
    for index in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[index] ^= 1 << bit;
            assert!(accept(&damaged, None).is_err(), "byte {index}, bit {bit}");
        }
    }
}

#[test]
fn contradictions_are_not_signed() {
    let twice = |bundle: &mut TrustBundle| bundle.keys.push(bundle.keys[0].clone());
    let root_twice = |bundle: &mut TrustBundle| bundle.roots.push(bundle.roots[0]);
    let root_as_key = |bundle: &mut TrustBundle| bundle.keys[0].key = bundle.roots[0];
    let unscoped = |bundle: &mut TrustBundle| bundle.keys[2].events.clear();
    let unreachable = |bundle: &mut TrustBundle| bundle.threshold = 2;
    let ended = |bundle: &mut TrustBundle| bundle.not_after = bundle.issued;
    let listed_only = |bundle: &mut TrustBundle| bundle.keys[3].status = KeyStatus::ListedOnly;
    for contradict in [twice, root_twice, root_as_key, unscoped, unreachable, ended, listed_only] {
        let mut bundle = samples::bundle();
        contradict(&mut bundle);
        assert!(matches!(Signed::seal(&bundle, &[&samples::root_key()]), Err(Refusal::Malformed { .. })));
    }
}

fn numbered(number: u16) -> VerifyingKey {
    let mut seed = Zeroizing::new([0; 32]);
    seed[30..].copy_from_slice(&number.to_be_bytes());
    SigningKey::from_seed(&seed).verifying_key()
}

#[test]
fn the_greatest_bundle_fits_and_a_greater_one_is_not_signed() {
    let seal = |roots: u16, keys: u16, events: u32| {
        let mut roots: Vec<_> = (0..roots).map(numbered).collect();
        roots.sort();
        let events: Vec<_> = (0..events).map(|event| EventId(u32::MAX - event)).collect();
        let organiser = |key| {
            let (role, status, events) = (KeyRole::Organiser, KeyStatus::Active, events.clone());
            TrustedKey { key, role, status, events }
        };
        let keys = (1000..1000 + keys).map(numbered).map(organiser).collect();
        Signed::seal(&TrustBundle { roots, keys, ..samples::bundle() }, &[&samples::root_key()])
    };
    seal(9, 256, 256).unwrap();
    for greater in [seal(10, 256, 256), seal(9, 257, 256), seal(9, 256, 257)] {
        assert!(matches!(greater, Err(Refusal::Malformed { .. })));
    }
}

/// A bundle with these roots.
fn of_roots(version: u32, roots: &[&SigningKey], threshold: u8) -> TrustBundle {
    let mut keys: Vec<_> = roots.iter().map(|root| root.verifying_key()).collect();
    keys.sort();
    TrustBundle { version, roots: keys, threshold, ..samples::bundle() }
}

fn key(seed: u8) -> SigningKey {
    samples::signing_key(seed)
}

/// Roots 100 and 101 of two; then 110, 111 and 112, of which two; then 120 alone.
fn rotations() -> [TrustBundle; 3] {
    [
        of_roots(1, &[&key(100), &key(101)], 2),
        of_roots(2, &[&key(110), &key(111), &key(112)], 2),
        of_roots(3, &[&key(120)], 1),
    ]
}

fn by(bundle: &TrustBundle, seeds: &[u8]) -> Vec<u8> {
    let keys: Vec<_> = seeds.iter().map(|seed| key(*seed)).collect();
    Signed::seal(bundle, &keys.iter().collect::<Vec<_>>()).unwrap()
}

fn first() -> Authentic<TrustBundle> {
    let [first, ..] = rotations();
    accept_bundle(&by(&first, &[100, 101]), first.root_fingerprint(), None, samples::DOORS).unwrap()
}

/// What was pinned plays no part once a bundle is in force.
fn next(bytes: &[u8], in_force: &Authentic<TrustBundle>) -> Result<Authentic<TrustBundle>, Refusal> {
    accept_bundle(bytes, RootFingerprint([0; 32]), Some(in_force), samples::DOORS)
}

#[test]
fn new_roots_need_both_thresholds() {
    let [_, second, _] = rotations();
    assert_eq!(next(&by(&second, &[100, 101, 110, 112]), &first()).unwrap().document(), &second);
    for too_few_old in [&[110, 111, 112][..], &[100, 110, 111, 112], &[100, 100, 110, 111]] {
        assert_eq!(next(&by(&second, too_few_old), &first()).unwrap_err(), Refusal::OtherRoot, "{too_few_old:?}");
    }
    let missed = Refusal::ThresholdMissed { document: "trust bundle", valid: 1, threshold: 2 };
    assert_eq!(next(&by(&second, &[100, 101, 111]), &first()).unwrap_err(), missed);
    let unsigned = Refusal::NotSigned { document: "trust bundle" };
    assert_eq!(next(&by(&second, &[100, 101]), &first()).unwrap_err(), unsigned);
}

/// The roots stay, so that what is missing is a signature and not a root.
#[test]
fn the_same_roots_sign_each_bundle_anew() {
    let next_one = of_roots(2, &[&key(100), &key(101)], 2);
    let missed = Refusal::ThresholdMissed { document: "trust bundle", valid: 1, threshold: 2 };
    assert_eq!(next(&by(&next_one, &[100]), &first()).unwrap_err(), missed);
    assert_eq!(next(&by(&next_one, &[100, 101]), &first()).unwrap().document(), &next_one);
}

#[test]
fn another_threshold_is_another_root() {
    let lowered = of_roots(2, &[&key(100), &key(101)], 1);
    assert_eq!(next(&by(&lowered, &[100]), &first()).unwrap_err(), Refusal::OtherRoot);
    next(&by(&lowered, &[100, 101]), &first()).unwrap();
}

#[test]
fn a_gate_that_slept_through_two_rotations_takes_them_in_order() {
    let [_, second, third] = rotations();
    let (second, third) = (by(&second, &[100, 101, 110, 111]), by(&third, &[110, 111, 120]));
    assert_eq!(next(&third, &first()).unwrap_err(), Refusal::OtherRoot);
    let awake = next(&third, &next(&second, &first()).unwrap()).unwrap();
    assert_eq!(awake.document(), &rotations()[2]);
    // The steps once more, as a file has them: what is older says so, whoever signed it.
    assert!(matches!(next(&second, &awake), Err(Refusal::Older { .. })));
    assert_eq!(next(&third, &awake).unwrap().hash(), awake.hash());
}

#[test]
fn a_gate_that_slept_through_two_rotations_takes_one_bundle_by_all() {
    let [_, _, third] = rotations();
    next(&by(&third, &[100, 101, 110, 111, 120]), &first()).unwrap();
}

#[test]
fn replaced_roots_sign_nothing_any_more() {
    let [_, second, _] = rotations();
    let in_force = next(&by(&second, &[100, 101, 110, 111]), &first()).unwrap();
    let back = of_roots(3, &[&key(100), &key(101)], 2);
    assert_eq!(next(&by(&back, &[100, 101]), &in_force).unwrap_err(), Refusal::OtherRoot);
}

#[test]
fn a_fresh_gate_starts_from_what_it_pinned_alone() {
    let [first, second, _] = rotations();
    let bytes = by(&second, &[100, 101, 110, 111]);
    let fresh = |pinned| accept_bundle(&bytes, pinned, None, samples::DOORS);
    fresh(second.root_fingerprint()).unwrap();
    assert_eq!(fresh(first.root_fingerprint()).unwrap_err(), Refusal::OtherRoot);
}

#[test]
fn a_bundle_that_ended_is_taken() {
    let bundle = samples::bundle();
    let late = bundle.not_after + core::time::Duration::from_hours(10_000);
    accept_bundle(&signed(&bundle), bundle.root_fingerprint(), None, late).unwrap();
}
