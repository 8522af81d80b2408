package Luukku::Test::Mails;

# Every mail of the desk, made of sample data by `luukkuctl template preview`: no database needed.
#
#   my $mails = Luukku::Test::Mails->new(extra => 'more lines of the configuration');
#   $mails->dir, $mails->conf           a configuration with queues ict and hr; templates/ beside it
#   $mails->cases                       [name, case] of each
#   $mails->preview('notice', case => 'new', language => 'fi', queue => 'hr', data => {..})
#                                       { name, case, queue, language, subject, text, html }
#   $mails->ctl(@words)                 luukkuctl with that configuration
#   $mails->sample('notice', 'new', 'fi')   the values that the preview has

use strict;
use warnings;
use JSON::PP ();
use Luukku::Test::Base;

our @languages = qw(fi sv en);

sub new {
	my ($class, %option) = @_;
	my $dir = temp_dir() . '/mails';
	mkdir $dir;
	mkdir "$dir/templates";
	spew("$dir/site.key", ('0123456789abcdef' x 4) . "\n", 0600);
	my $extra = $option{extra} // '';
	spew("$dir/luukku.conf", <<"CONF", 0600);
site: { name = "Esimerkkisairaala"; domain = "example.fi"; key_file = "$dir/site.key"; run_dir = "$dir"; spool_dir = "$dir"; languages = ( "fi", "sv", "en" ); };
database: { conninfo = "host=/nowhere dbname=none"; };
smtp: { send = false; };
mailboxes: ( { name = "ict"; protocol = "none"; } );
agents: ( { name = "Aino Aalto"; address = "aino\@example.fi"; } );
queues: (
  { name = "ict"; title: { fi = "ICT-palvelupiste"; sv = "IKT-stöd"; en = "ICT service desk"; };
    addresses = ( "ict\@example.fi" ); agents = ( "aino\@example.fi" ); },
  { name = "hr"; title: { fi = "Henkilöstöpalvelut"; sv = "Personaltjänster"; en = "Human resources"; };
    addresses = ( "hr\@example.fi" ); agents = ( "aino\@example.fi" ); }
);
templates = "$dir/templates";
$extra
CONF
	my $samples = JSON::PP->new->utf8->decode(slurp(source_dir() . '/conf/templates/sample.json'));
	return bless { dir => $dir, samples => $samples }, $class;
}

sub dir  { return $_[0]{dir} }
sub conf { return "$_[0]{dir}/luukku.conf" }

sub ctl {
	my ($self, @words) = @_;
	return run(['luukkuctl', '-c', $self->conf, @words]);
}

sub cases {
	my ($self) = @_;
	my $list = $self->ctl('template', 'preview', '--json');
	die "template preview: $list->{err}" if $list->{status} != 0;
	return map { my $mail = $_; map { [$mail->{name}, $_] } @{ $mail->{cases} } }
		@{ JSON::PP->new->utf8->decode($list->{out}) };
}

sub preview {
	my ($self, $name, %option) = @_;
	my @words = ($name, '--json');
	push @words, "--$_", $option{$_} for grep { defined $option{$_} } qw(case language queue);
	if ($option{data}) {
		my $path = "$self->{dir}/data.json";
		spew($path, JSON::PP->new->utf8->canonical->encode($option{data}));
		push @words, '--data', $path;
	}
	my $done = $self->ctl('template', 'preview', @words);
	die "template preview @words: $done->{err}" if $done->{status} != 0;
	return JSON::PP->new->utf8->decode($done->{out});
}

sub spoken {
	my ($value, $language) = @_;
	return [map { spoken($_, $language) } @$value] if ref $value eq 'ARRAY';
	return $value if ref $value ne 'HASH';
	return $value->{in}{$language} if ref $value->{in} eq 'HASH';
	return { map { $_ => spoken($value->{$_}, $language) } keys %$value };
}

sub sample {
	my ($self, $name, $case, $language) = @_;
	my $samples = $self->{samples};
	return spoken({ %{ $samples->{common} }, %{ $samples->{mails}{$name}{$case} } }, $language);
}

1;
